package failover

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/sse"
)

// canceled reports whether the attempt was given up on purpose: the client
// went away, or another attempt won. A timer that ends an attempt cancels it
// too, but says so with an error of its own.
func canceled(a *Answer) bool {
	return errors.Is(a.Err, context.Canceled) && timeoutReason(a) == ""
}

// transport judges an attempt that failed below HTTP, or whose answer broke
// off.
func transport(v *provider.Vendor, a *Answer) Verdict {
	if outOfFiles(a.Err) {
		return localLimit(a)
	}
	d := Verdict{Class: llm.ClassTransient, Reason: ReasonProtocol, Scope: ScopeTarget}
	if a.Err != nil {
		d.Reason = transportReason(a)
		d.Message = Scrub(a.Err.Error())
	} else {
		d.Message = "no answer and no error"
	}
	if a.Phase != PhaseStream && d.Reason != ReasonDeadline {
		d.TryNextTarget = true
		d.RetrySame = repeatable(d.Reason)
	}
	if mayRepeat(d.Reason) {
		d.Scope = ScopeNone
	}
	d.Err = unreachable(v, d.Reason)
	return d
}

// outOfFiles reports a connection that this machine could not make for want of
// descriptors or ports.
func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// localLimit is the verdict on an attempt that never left the machine. No
// target and no key is at fault, and another target would fail the same way.
func localLimit(a *Answer) Verdict {
	return Verdict{Class: llm.ClassCanceled, Reason: ReasonLocalLimit, Message: Scrub(a.Err.Error()),
		Err: &llm.Error{Type: llm.ErrUnavailable, Class: llm.ClassOverload, Status: 503, RetryAfter: time.Second,
			Message: "aimux is out of connections; try again in a moment"}}
}

// mayRepeat reports the reasons that say nothing about the target: the
// connection was at its end, and the request was not looked at.
func mayRepeat(reason string) bool {
	return reason == ReasonStaleConn || reason == ReasonGoAway || reason == ReasonH2Refused
}

// repeatable reports whether the same target may be asked once more. Not if
// the connection itself could not be made: that would only cost time again.
func repeatable(reason string) bool {
	switch reason {
	case ReasonResetPre, ReasonResetHdr, ReasonTruncated, ReasonLength, ReasonH2PingTimeout, ReasonEncoding, ReasonBadPayload:
		return true
	}
	return mayRepeat(reason)
}

// Broke reports whether the connection was lost after it had been made. All
// attempts on it are lost then, and those on others to the same machine may be.
func (d *Verdict) Broke() bool {
	switch d.Reason {
	case ReasonResetPre, ReasonResetHdr, ReasonTruncated, ReasonLength, ReasonH2PingTimeout:
		return true
	}
	return false
}

// SameFirst reports whether repeating at the same target comes before trying
// another: a connection that had gone stale, or a conflict that passes.
func (d *Verdict) SameFirst() bool {
	return d.RetrySame && (mayRepeat(d.Reason) || d.Reason == ReasonConflict)
}

// transportReason names what went wrong.
func transportReason(a *Answer) string {
	switch r := knownReason(a); {
	case r != "":
		return r
	case a.Status == 0 || ofTransport(a):
		return brokenReason(a)
	case a.InStream:
		return ReasonProtocol // the events break the dialect's rules
	}
	return ReasonBadPayload
}

// ofTransport tells a failure of the connection from a refusal of the body by
// the caller.
func ofTransport(a *Answer) bool {
	var network net.Error
	return knownReason(a) != "" || closedByPeer(a.Err) || errors.As(a.Err, &network) ||
		strings.Contains(a.Err.Error(), "stream error:") || strings.Contains(a.Err.Error(), "connection broken")
}

// knownReason names a failure that tells its own reason, or returns "".
func knownReason(a *Answer) string {
	var named interface{ Reason() string }
	if errors.As(a.Err, &named) && slices.Contains(reasons[:], named.Reason()) {
		return named.Reason()
	}
	var event *sse.TooLargeError
	if errors.As(a.Err, &event) {
		return ReasonEventTooLarge
	}
	var dns *net.DNSError
	if errors.As(a.Err, &dns) {
		return ReasonDNS
	}
	if r := timeoutReason(a); r != "" {
		return r
	}
	if errors.Is(a.Err, syscall.ECONNREFUSED) {
		return ReasonRefused
	}
	if tlsFault(a) {
		return ReasonTLS
	}
	if r := http2Reason(a); r != "" {
		return r
	}
	if encodingFault(a.Err) {
		return ReasonEncoding
	}
	if protocolFault(a.Err) {
		return ReasonProtocol
	}
	return ""
}

// timeoutReason names the timer that ran out, or "".
func timeoutReason(a *Answer) string {
	text := a.Err.Error()
	for _, t := range [...]struct{ text, reason string }{
		{"first_event timeout", ReasonTTFT}, {"no_progress timeout", ReasonNoProgress},
		{"idle timeout", ReasonIdle}, {"total timeout", ReasonDeadline},
		{"TLS handshake timeout", ReasonTLSTimeout},
	} {
		if strings.Contains(text, t.text) {
			return t.reason
		}
	}
	var timer interface{ Timeout() bool }
	if !errors.Is(a.Err, os.ErrDeadlineExceeded) && !errors.Is(a.Err, context.DeadlineExceeded) &&
		!(errors.As(a.Err, &timer) && timer.Timeout()) {
		return ""
	}
	switch a.Phase {
	case PhaseDial:
		return ReasonConnectTimeout
	case PhaseTLS:
		return ReasonTLSTimeout
	case PhaseStream:
		return ReasonIdle
	case PhaseNone:
		var op *net.OpError
		if errors.As(a.Err, &op) && op.Op == "dial" {
			return ReasonConnectTimeout
		}
	}
	return ReasonTTFT
}

// tlsFault reports a handshake or certificate that failed. The message of
// x509's errors names the dates and names at fault.
func tlsFault(a *Answer) bool {
	var (
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		alert  tls.AlertError
		cert   x509.CertificateInvalidError
		host   x509.HostnameError
		ca     x509.UnknownAuthorityError
	)
	switch {
	case errors.As(a.Err, &verify), errors.As(a.Err, &record), errors.As(a.Err, &alert),
		errors.As(a.Err, &cert), errors.As(a.Err, &host), errors.As(a.Err, &ca):
		return true
	}
	text := a.Err.Error()
	return a.Phase == PhaseTLS || strings.Contains(text, "tls: ") || strings.Contains(text, "x509: ")
}

// http2Reason names the failures of HTTP/2, whose types net/http keeps to
// itself.
func http2Reason(a *Answer) string {
	text := a.Err.Error()
	switch {
	case strings.Contains(text, "GOAWAY"), strings.Contains(text, "graceful shutdown"):
		if a.Phase == PhaseBody || a.Phase == PhaseStream {
			return brokenReason(a)
		}
		return ReasonGoAway
	case strings.Contains(text, "REFUSED_STREAM"):
		return ReasonH2Refused
	case strings.Contains(text, "client connection lost"), strings.Contains(text, "ping timeout"):
		return ReasonH2PingTimeout
	case strings.Contains(text, "stream error:") && strings.Contains(text, "PROTOCOL_ERROR"),
		strings.Contains(text, "connection error:") && strings.Contains(text, "PROTOCOL_ERROR"):
		return ReasonProtocol
	}
	return ""
}

// protocolTexts are pieces of net/http's messages about answers that are not
// HTTP.
var protocolTexts = [...]string{
	"malformed HTTP", "malformed MIME", "1xx informational responses", "server response headers exceeded",
	"bad Content-Length", "invalid header", "unsupported transfer encoding", "malformed chunked encoding",
	"invalid byte in chunk length", "http: response header list larger", "unexpected HTTP",
}

func protocolFault(err error) bool {
	var text textproto.ProtocolError
	if errors.As(err, &text) || errors.Is(err, bufio.ErrTooLong) {
		return true
	}
	for _, t := range protocolTexts {
		if strings.Contains(err.Error(), t) {
			return true
		}
	}
	return false
}

func encodingFault(err error) bool {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "content-encoding") || strings.Contains(text, "brotli: ") || strings.Contains(text, "zstd") || strings.Contains(text, "magic number mismatch")
}

// brokenReason names a connection that broke, by how far the attempt had come.
func brokenReason(a *Answer) string {
	text := a.Err.Error()
	switch a.Phase {
	case PhaseDial:
		return ReasonConnect
	case PhaseTLS:
		return ReasonTLS
	case PhaseStream:
		return ReasonTruncated
	case PhaseHeaders:
		return ReasonResetHdr
	case PhaseBody:
		if errors.Is(a.Err, io.ErrUnexpectedEOF) && !a.InStream {
			return ReasonLength
		}
		if errors.Is(a.Err, io.EOF) || errors.Is(a.Err, io.ErrUnexpectedEOF) {
			return ReasonTruncated
		}
		return ReasonResetHdr
	}
	var op *net.OpError
	if errors.As(a.Err, &op) && op.Op == "dial" {
		return ReasonConnect
	}
	if strings.Contains(text, "server closed idle connection") || strings.Contains(text, "cannot retry err") || a.Reused && closedByPeer(a.Err) {
		return ReasonStaleConn
	}
	return ReasonResetPre
}

// closedByPeer reports the errors that a write to, or a read from, a
// connection gives which the other side had already closed.
func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.HasSuffix(err.Error(), "EOF") || strings.Contains(err.Error(), "connection reset by peer")
}

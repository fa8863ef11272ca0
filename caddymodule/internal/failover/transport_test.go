package failover

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// reasoned is an error that names its own result code.
type reasoned struct{ reason string }

func (e reasoned) Error() string  { return "broken off" }
func (e reasoned) Reason() string { return e.reason }

// timer is what package upstream returns when one of its timers runs out.
type timer string

func (e timer) Error() string { return string(e) + " timeout after 1m0s" }
func (timer) Timeout() bool   { return true }

func dialing(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

func reading(errno syscall.Errno) error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", errno)}
}

// TestTransport_ReliabilityRows covers rows 1 to 25 of the fault matrix as far
// as they are errors of the transport; the names begin with the row.
func TestTransport_ReliabilityRows(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		phase  Phase
		reused bool
		reason string
		same   bool // the same target may be asked once more
		scope  Scope
	}{
		{"1 name not found", dialing(&net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}), PhaseDial, false, ReasonDNS, false, ScopeTarget},
		{"1 no answer from the name server", dialing(&net.DNSError{Err: "i/o timeout", Name: "h", IsTimeout: true}), PhaseDial, false, ReasonDNS, false, ScopeTarget},
		{"3 refused", dialing(os.NewSyscallError("connect", syscall.ECONNREFUSED)), PhaseDial, false, ReasonRefused, false, ScopeTarget},
		{"3 refused, phase unknown", dialing(os.NewSyscallError("connect", syscall.ECONNREFUSED)), PhaseNone, false, ReasonRefused, false, ScopeTarget},
		{"4 no answer to SYN", dialing(os.ErrDeadlineExceeded), PhaseDial, false, ReasonConnectTimeout, false, ScopeTarget},
		{"4 no answer to SYN, phase unknown", dialing(os.ErrDeadlineExceeded), PhaseNone, false, ReasonConnectTimeout, false, ScopeTarget},
		{"4 no route", dialing(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), PhaseDial, false, ReasonConnect, false, ScopeTarget},
		{"5 certificate expired", &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired, Detail: "current time is after 2024"}}, PhaseTLS, false, ReasonTLS, false, ScopeTarget},
		{"6 wrong name", x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, PhaseTLS, false, ReasonTLS, false, ScopeTarget},
		{"6 unknown authority", x509.UnknownAuthorityError{}, PhaseSent, false, ReasonTLS, false, ScopeTarget},
		{"6 old version", &net.OpError{Op: "remote error", Err: tls.AlertError(70)}, PhaseTLS, false, ReasonTLS, false, ScopeTarget},
		{"6 no TLS at all", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, PhaseTLS, false, ReasonTLS, false, ScopeTarget},
		{"7 handshake hangs", errors.New("net/http: TLS handshake timeout"), PhaseTLS, false, ReasonTLSTimeout, false, ScopeTarget},
		{"7 handshake hangs, by deadline", os.ErrDeadlineExceeded, PhaseTLS, false, ReasonTLSTimeout, false, ScopeTarget},
		{"8 reset before headers", reading(syscall.ECONNRESET), PhaseSent, false, ReasonResetPre, true, ScopeTarget},
		{"8 anything else while shaking hands", io.EOF, PhaseTLS, false, ReasonTLS, false, ScopeTarget},
		{"8 anything else while dialling", errors.New("address is not allowed"), PhaseDial, false, ReasonConnect, false, ScopeTarget},
		{"8 anything else while dialling, phase unknown", dialing(errors.New("address is not allowed")), PhaseNone, false, ReasonConnect, false, ScopeTarget},
		{"8 closed before headers", io.EOF, PhaseSent, false, ReasonResetPre, true, ScopeTarget},
		{"9 stale connection, closed", io.EOF, PhaseSent, true, ReasonStaleConn, true, ScopeNone},
		{"9 stale connection, reset", reading(syscall.ECONNRESET), PhaseSent, true, ReasonStaleConn, true, ScopeNone},
		{"9 stale connection, pipe", &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, PhaseSent, true, ReasonStaleConn, true, ScopeNone},
		{"9 stale connection, net/http's words", errors.New("http: server closed idle connection"), PhaseSent, false, ReasonStaleConn, true, ScopeNone},
		{"10 reset after headers", reading(syscall.ECONNRESET), PhaseHeaders, false, ReasonResetHdr, true, ScopeTarget},
		{"10 reset in the preamble", reading(syscall.ECONNRESET), PhaseBody, true, ReasonResetHdr, true, ScopeTarget},
		{"11 GOAWAY", errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=\"\""), PhaseSent, true, ReasonGoAway, true, ScopeNone},
		{"12 REFUSED_STREAM", errors.New("stream error: stream ID 3; REFUSED_STREAM; received from peer"), PhaseSent, true, ReasonH2Refused, true, ScopeNone},
		{"12 INTERNAL_ERROR", errors.New("stream error: stream ID 3; INTERNAL_ERROR; received from peer"), PhaseSent, false, ReasonResetPre, true, ScopeTarget},
		{"11 GOAWAY in the body", errors.New("http2: server sent GOAWAY and closed the connection"), PhaseBody, true, ReasonResetHdr, true, ScopeTarget},
		{"12 PROTOCOL_ERROR", errors.New("stream error: stream ID 3; PROTOCOL_ERROR; received from peer"), PhaseSent, false, ReasonProtocol, false, ScopeTarget},
		{"13 peer vanished", errors.New("http2: client connection lost"), PhaseBody, true, ReasonH2PingTimeout, true, ScopeTarget},
		{"15 interim flood", errors.New("net/http: HTTP/1.x transport connection broken: net/http: too many 1xx informational responses"), PhaseSent, false, ReasonProtocol, false, ScopeTarget},
		{"15 not HTTP", errors.New("net/http: HTTP/1.x transport connection broken: malformed HTTP response \"SSH-2.0\""), PhaseSent, false, ReasonProtocol, false, ScopeTarget},
		{"16 body shorter than its length", io.ErrUnexpectedEOF, PhaseBody, false, ReasonLength, true, ScopeTarget},
		{"19 header trickles", timer("first_event"), PhaseSent, false, ReasonTTFT, false, ScopeTarget},
		{"19 header too long", errors.New("net/http: server response headers exceeded 65536 bytes; aborted"), PhaseSent, false, ReasonProtocol, false, ScopeTarget},
		{"20 headers, then silence", timer("first_event"), PhaseHeaders, false, ReasonTTFT, false, ScopeTarget},
		{"20 by deadline", context.DeadlineExceeded, PhaseBody, false, ReasonTTFT, false, ScopeTarget},
		{"21 silence in mid-stream", timer("idle"), PhaseStream, false, ReasonIdle, false, ScopeTarget},
		{"21 by deadline", os.ErrDeadlineExceeded, PhaseStream, false, ReasonIdle, false, ScopeTarget},
		{"22 only pings", timer("no_progress"), PhaseStream, false, ReasonNoProgress, false, ScopeTarget},
		{"25 total deadline", timer("total"), PhaseBody, false, ReasonDeadline, false, ScopeTarget},
		{"25 total deadline, cancelled by it", fmt.Errorf("%w: %w", timer("total"), context.Canceled), PhaseBody, false, ReasonDeadline, false, ScopeTarget},
		{"54 corrupt gzip", gzip.ErrChecksum, PhaseBody, false, ReasonEncoding, true, ScopeTarget},
		{"54 not gzip", fmt.Errorf("decoding: %w", gzip.ErrHeader), PhaseBody, false, ReasonEncoding, true, ScopeTarget},
		{"54 unknown coding", errors.New(`content-encoding "x": not known`), PhaseHeaders, false, ReasonEncoding, true, ScopeTarget},
		{"58 cut in mid-stream", io.ErrUnexpectedEOF, PhaseStream, false, ReasonTruncated, false, ScopeTarget},
		{"58 reset in mid-stream", reading(syscall.ECONNRESET), PhaseStream, false, ReasonTruncated, false, ScopeTarget},
		{"61 error with its own code", fmt.Errorf("reading: %w", reasoned{ReasonEventTooLarge}), PhaseStream, false, ReasonEventTooLarge, false, ScopeTarget},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Classify(vendor(t, "openai"), Answer{Err: c.err, Phase: c.phase, Reused: c.reused, Now: noon})
			if d.Reason != c.reason || d.Class != llm.ClassTransient {
				t.Errorf("got %s/%s, want %s", d.Class, d.Reason, c.reason)
			}
			if d.RetrySame != c.same || d.Scope != c.scope || d.TryNextKey {
				t.Errorf("got %+v", d)
			}
			if want := c.phase != PhaseStream && c.reason != ReasonDeadline; d.TryNextTarget != want {
				t.Errorf("next target: %v", d.TryNextTarget)
			}
			if d.SameFirst() != (c.scope == ScopeNone) {
				t.Errorf("same first: %v", d.SameFirst())
			}
			checkVerdict(t, &d)
		})
	}
}

func TestTransport_AReasonNobodyKnowsIsNoLabel(t *testing.T) {
	d := Classify(nil, Answer{Err: reasoned{"user-4711"}, Phase: PhaseSent, Now: noon})
	if d.Reason != ReasonResetPre {
		t.Errorf("got %s", d.Reason)
	}
}

func TestTransport_WantOfDescriptorsIsNoTargetsFault(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL} {
		d := Classify(nil, Answer{Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", errno)}, Phase: PhaseDial, Now: noon})
		if d.Reason != ReasonLocalLimit || d.Class != llm.ClassCanceled || d.Scope != ScopeNone || d.TryNextTarget || d.Err == nil || d.Err.Status != 503 {
			t.Errorf("%v: got %+v", errno, d)
		}
	}
}

func TestReasons_AreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if r == "" || seen[r] {
			t.Errorf("%q is there twice", r)
		}
		seen[r] = true
	}
}

func TestTransport_PrefaceTruncatedStreamMayFailOver(t *testing.T) {
	d := Classify(nil, Answer{Status: 200, Err: io.EOF, Phase: PhaseBody, InStream: true, Now: noon})
	if d.Reason != ReasonTruncated || !d.RetrySame || !d.TryNextTarget {
		t.Errorf("got %+v", d)
	}
}

func TestTransport_ClientGoneIsNobodysFault(t *testing.T) {
	for _, err := range []error{context.Canceled, &url.Error{Op: "Post", Err: context.Canceled}} {
		for _, status := range []int{0, 200, 429} {
			d := Classify(nil, Answer{Status: status, Err: err, Phase: PhaseBody, Now: noon})
			if d.Class != llm.ClassCanceled || d.Reason != ReasonCanceled || d.Scope != ScopeNone || d.RetrySame || d.TryNextKey || d.TryNextTarget {
				t.Errorf("%d: got %+v", status, d)
			}
		}
	}
}

func TestTransport_TimeoutsAreTold504AndTheRest502(t *testing.T) {
	d := Classify(vendor(t, "openai"), Answer{Err: timer("first_event"), Phase: PhaseSent, Now: noon})
	if d.Err.Status != 504 || d.Err.Type != llm.ErrTimeout || d.Err.Message != "OpenAI did not answer in time (ttft_timeout)" {
		t.Errorf("got %+v", d.Err)
	}
	d = Classify(nil, Answer{Err: dialing(fmt.Errorf("connect to 10.1.2.3:443: %w", syscall.ECONNREFUSED)), Phase: PhaseDial, Now: noon})
	if d.Err.Status != 502 || d.Err.Type != llm.ErrUpstream || d.Err.Message != "the provider could not be reached (refused)" {
		t.Errorf("got %+v", d.Err)
	}
	if strings.Contains(d.Message, "10.1.2.3") {
		t.Errorf("the log would hold an internal address: %q", d.Message)
	}
}

// The errors of the table above are what net/http really returns: the faults
// that can be made on one machine are made here.
func TestTransport_RealErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		phase  Phase
		server func(t *testing.T) string // returns the URL
		reason string
	}{
		{"refused", PhaseDial, closedPort, ReasonRefused},
		{"unknown authority", PhaseTLS, func(t *testing.T) string {
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			t.Cleanup(s.Close)
			return s.URL
		}, ReasonTLS},
		{"no TLS", PhaseTLS, func(t *testing.T) string {
			return "https" + strings.TrimPrefix(raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), "http")
		}, ReasonTLS},
		{"reset", PhaseSent, func(t *testing.T) string {
			return raw(t, func(c net.Conn) { readRequest(c); _ = c.(*net.TCPConn).SetLinger(0) })
		}, ReasonResetPre},
		{"closed", PhaseSent, func(t *testing.T) string { return raw(t, readRequest) }, ReasonResetPre},
		{"not HTTP", PhaseSent, func(t *testing.T) string {
			return raw(t, func(c net.Conn) { readRequest(c); _, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n") })
		}, ReasonProtocol},
		{"headers too long", PhaseSent, func(t *testing.T) string {
			return raw(t, func(c net.Conn) {
				readRequest(c)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
			})
		}, ReasonProtocol},
		{"short body", PhaseBody, func(t *testing.T) string {
			return raw(t, func(c net.Conn) {
				readRequest(c)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
			})
		}, ReasonLength},
		{"bad chunk", PhaseBody, func(t *testing.T) string {
			return raw(t, func(c net.Conn) {
				readRequest(c)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
			})
		}, ReasonProtocol},
		{"silence", PhaseSent, func(t *testing.T) string {
			return raw(t, func(c net.Conn) { readRequest(c); _, _ = io.Copy(io.Discard, c) })
		}, ReasonTTFT},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := post(t, c.server(t))
			if err == nil {
				t.Fatal("no error")
			}
			if d := Classify(nil, Answer{Err: err, Phase: c.phase, Now: noon}); d.Reason != c.reason {
				t.Errorf("got %s for %v, want %s", d.Reason, err, c.reason)
			}
		})
	}
}

func post(t *testing.T, url string) error {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte("{}")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}

func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// raw serves one connection with handle and closes it.
func raw(t *testing.T, handle func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		handle(c)
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String()
}

func readRequest(c net.Conn) {
	buf := make([]byte, 4096)
	for total := []byte(nil); !bytes.HasSuffix(total, []byte("{}")); {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		total = append(total, buf[:n]...)
	}
}

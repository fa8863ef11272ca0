package upstream

import (
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
)

// Phase is how far an attempt got before it failed. It decides whether the
// provider can have begun to work, and so to bill.
type Phase uint8

// The phases of an attempt, in order.
const (
	PhaseDial    Phase = iota // looking up, connecting
	PhaseTLS                  // shaking hands
	PhaseSend                 // writing the request
	PhaseHeaders              // waiting for the answer's header
	PhaseBody                 // reading the answer
)

var phaseNames = [...]string{"dial", "tls", "send", "headers", "body"}

// String returns the phase's name for logs.
func (p Phase) String() string { return phaseNames[p] }

// Error is a failed attempt with how far it got.
type Error struct {
	Phase  Phase
	Reused bool // the connection had been used before
	Err    error
}

// Error returns the cause's text with the phase.
func (e *Error) Error() string { return e.Phase.String() + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// tracer notes an attempt's phase. Its hooks may run on the transport's
// goroutines, out of order: a connection that was dialled for the attempt may
// still shake hands when the request is long on its way over a kept one that
// became free. So the phase goes forward only. It begins anew where the
// transport itself begins anew, which it does on a goroutine of the attempt
// when the provider cannot have begun to work, or may be asked twice.
type tracer struct {
	at      atomic.Uint32
	reused  atomic.Bool
	interim atomic.Int32
}

// maxInterim is how many 1xx answers may come before the real one.
const maxInterim = 5

// InterimError says that a provider sent interim answers without end.
type InterimError struct{}

// Error states the limit.
func (InterimError) Error() string { return "more than 5 interim answers" }

// Reason returns the result code of logs and metrics.
func (InterimError) Reason() string { return "protocol" }

func (t *tracer) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:           func(string) { t.at.Store(uint32(PhaseDial)) },
		TLSHandshakeStart: func() { t.advance(PhaseDial, PhaseTLS) },
		GotConn: func(info httptrace.GotConnInfo) {
			t.reused.Store(info.Reused)
			t.at.Store(uint32(PhaseSend))
		},
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			if t.interim.Add(1) > maxInterim {
				return InterimError{}
			}
			return nil
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				t.advance(PhaseSend, PhaseHeaders)
			}
		},
	}
}

// advance moves the phase on if nothing else has.
func (t *tracer) advance(from, to Phase) { t.at.CompareAndSwap(uint32(from), uint32(to)) }

func (t *tracer) phase() Phase { return Phase(t.at.Load()) }

func (t *tracer) wasReused() bool { return t.reused.Load() }

package failover

import (
	"net/http"
	"time"
)

// Answer is what came of an attempt that failed.
type Answer struct {
	// Status, Header and Body are the provider's answer; Status is 0 if there
	// was none. Body is capped by the caller. In a stream it is the data of
	// the event that reports the failure.
	Status int
	Header http.Header
	Body   []byte
	// Err is the transport's error, or the reason the caller refused the body
	// of an answer with status 200. An error with a method Reason() string
	// names its own result code.
	Err error
	// Phase is how far the attempt had come.
	Phase Phase
	// InStream says that Body came as an event of a stream.
	InStream bool
	// Reused says that the connection had carried an earlier request.
	Reused bool
	// Model is the model that was asked for, for messages. May be empty.
	Model string
	// Now is the time of the answer on this machine.
	Now time.Time
}

// Phase is what an attempt was doing when it failed.
type Phase uint8

// The phases of an attempt, in order.
const (
	PhaseNone    Phase = iota // unknown, or a complete answer
	PhaseDial                 // looking up the name, connecting
	PhaseTLS                  // shaking hands
	PhaseSent                 // sending the request, waiting for the header
	PhaseHeaders              // the header is in; nothing of the body
	PhaseBody                 // reading the body, nothing relayed to the client yet
	PhaseStream               // content has been relayed: past the commit point
)

var phaseNames = [...]string{"none", "dial", "tls", "sent", "headers", "body", "stream"}

// String returns the name used in logs.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return "unknown"
}

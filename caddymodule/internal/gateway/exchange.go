package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/route"
)

// Exchange is one request and its answer on their way through the stages. It
// belongs to one goroutine, but for its sender.
type Exchange struct {
	gateway *Gateway
	request *http.Request
	ctx     context.Context
	send    *sender

	Record // what the observer is told

	endpoint  endpoint
	dialect   dialect.Dialect // the client's
	body      *body
	outline   outline
	query     route.Query
	plan      *route.Plan
	allowance failover.Allowance

	decoded *llm.Request // the request in the common form; nil until a target needs it
	dropped []string     // fields left out for the target

	pinned   string // the key that has to be used; empty: any
	stripped bool   // thinking was taken out of the conversation
}

// Record is what is known of an exchange when it has ended.
type Record struct {
	ID      string
	Start   time.Time
	Client  string // name of the client key; empty without one
	Dialect llm.Dialect
	Call    string // the endpoint: "/v1/messages"
	Model   string // as the client asked
	Stream  bool
	Session string
	// Attempts are in the order they were made.
	Attempts []Attempt
	// Plan is how the targets were chosen. nil: it did not come to that.
	Plan *route.Plan
	// Provider and Target are those of the answer. Empty: there was none.
	Provider, Target string
	Usage            llm.Usage
	TTFT, Duration   time.Duration
	Status           int
	// Class and Reason say how it ended: ClassNone and "ok" if well.
	Class  llm.Class
	Reason string
	Bytes  int64 // of the answer, as sent to the client
}

// Attempt is one try at one target with one key.
type Attempt struct {
	Provider, Model, Key string
	Dialect              llm.Dialect
	Start                time.Duration // since the exchange began
	TTFT, Duration       time.Duration
	Status               int // the provider's; 0: no answer
	Class                llm.Class
	Reason, Code         string
	Message              string        // the cause, for the operator's log
	Wait                 time.Duration // the provider asked for
	Dropped              []string      // fields of the request that were left out for the target
}

// Observer is told of exchanges that ended. It must not block.
type Observer interface {
	Observe(*Record)
}

type nobody struct{}

func (nobody) Observe(*Record) {}

func newExchange(g *Gateway, e endpoint, w http.ResponseWriter, r *http.Request) *Exchange {
	d := g.Dialects.Get(e.dialect)
	x := &Exchange{
		gateway: g, request: r, ctx: r.Context(), endpoint: e, dialect: d,
		Record: Record{ID: newID(), Start: g.Now(), Dialect: e.dialect, Call: e.path},
	}
	x.send = newSender(w, d)
	x.send.header.Set("X-Aimux-Request-Id", x.ID)
	return x
}

// newID returns a new request id: "req_" and 24 hexadecimal digits.
func newID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return "req_" + hex.EncodeToString(b[:])
}

func (x *Exchange) since() time.Duration { return x.gateway.Now().Sub(x.Start) }

// refuse ends the exchange with an error in the client's dialect.
func (x *Exchange) refuse(e *llm.Error) {
	e.RequestID = x.ID
	x.Class, x.Reason = classOf(e), string(e.Type)
	if x.Reason == "" {
		x.Reason = e.Class.String()
	}
	if n := len(x.Attempts); n > 0 {
		x.Reason = x.Attempts[n-1].Reason
	}
	if x.Class == llm.ClassCanceled {
		return
	}
	x.Status = x.send.fail(e)
}

func classOf(e *llm.Error) llm.Class {
	if e.Class == llm.ClassNone {
		return llm.ClassBadRequest
	}
	return e.Class
}

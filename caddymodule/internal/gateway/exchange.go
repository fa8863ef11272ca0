package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
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
	client  Client
	grant   Grant          // nil until limits were asked
	price   provider.Price // of the target that answers
	events  int            // of the answer's stream
	partial bool           // the answer broke off before its tokens were stated for good

	cancel   context.CancelCauseFunc
	deadline time.Time   // by which the client wants its answer; zero: not known
	late     *time.Timer // ends the exchange at the deadline
	// What giveBack returns.
	placed, streaming bool
	memory            hold

	pinned   string // the key that has to be used; empty: any
	stripped bool   // thinking was taken out of the conversation
}

// Record is what is known of an exchange when it has ended.
type Record struct {
	ID      string
	Start   time.Time
	Client  string // name of the client key; empty without one
	Team    string // of the client; empty without one
	Dialect llm.Dialect
	Call    string // the endpoint: "/v1/messages"
	Model   string // as the client asked
	Stream  bool
	// Session groups the requests of one conversation, Agent those of one of its
	// subagents. Empty: not known, or the main agent.
	Session, Agent string
	// Traceparent is what the request said of its trace (W3C Trace Context);
	// empty: nothing valid.
	Traceparent string
	// Attempts are in the order they were made.
	Attempts []Attempt
	// Plan is how the targets were chosen. nil: it did not come to that.
	Plan *route.Plan
	// Provider and Target are those of the answer. Empty: there was none.
	Provider, Target string
	Usage            llm.Usage
	// Estimated says that Usage is an estimate: nobody stated it.
	Estimated bool
	// Cost is in micro-dollars, by the prices of the catalogue or the
	// configuration. 0: free, or not known.
	Cost           int64
	TTFT, Duration time.Duration
	Status         int
	// Class and Reason say how it ended: ClassNone and "ok" if well.
	Class  llm.Class
	Reason string
	// BytesIn is the size of the request's body, Bytes that of the answer, as
	// sent to the client.
	BytesIn, Bytes int64
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
	Encode               time.Duration // that translating the request took; 0: it was not translated
	// Billable says of a failed attempt that the provider had the whole request
	// and refused it with no word, so that it may have been charged for.
	Billable bool
}

// Observer is told of exchanges that ended. It must not block.
type Observer interface {
	Observe(*Record)
}

type nobody struct{}

func (nobody) Observe(*Record) {}

func newExchange(g *Gateway, e endpoint, w http.ResponseWriter, r *http.Request) *Exchange {
	d := g.Dialects.Get(e.dialect)
	ctx, cancel := context.WithCancelCause(r.Context())
	x := &Exchange{
		gateway: g, request: r, ctx: ctx, cancel: cancel, endpoint: e, dialect: d,
		Record: Record{ID: newID(), Start: g.Now(), Dialect: e.dialect, Call: e.path, Traceparent: traceparent(r.Header)},
	}
	x.send = newSender(w, g.Direct(w), d)
	x.send.copies(g.Capture)
	x.send.onStuck(g.Limits.ClientStall, x.stuck)
	x.send.panicked = func() { x.cancel(endPanic) }
	x.send.set("X-Aimux-Request-Id", x.ID)
	return x
}

// newID returns a new request id: "req_" and 24 hexadecimal digits.
func newID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return "req_" + hex.EncodeToString(b[:])
}

// traceparent reads a header of that name if it has the form of W3C Trace
// Context, section 3.2: version, trace id, parent id and flags.
func traceparent(h http.Header) string {
	value := h.Get("Traceparent")
	if len(value) != len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") {
		return ""
	}
	for i := range len(value) {
		c := value[i]
		if i == 2 || i == 35 || i == 52 {
			if c != '-' {
				return ""
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ""
		}
	}
	return value
}

func (x *Exchange) since() time.Duration { return x.gateway.Now().Sub(x.Start) }

// refuse ends the exchange with an error in the client's dialect.
func (x *Exchange) refuse(e *llm.Error) {
	e.RequestID = x.ID
	x.Class = classOf(e)
	if x.Reason == "" {
		x.Reason = string(e.Type)
	}
	if x.Reason == "" {
		x.Reason = e.Class.String()
	}
	if n := len(x.Attempts); n > 0 {
		x.Reason = x.Attempts[n-1].Reason
	}
	if x.Class == llm.ClassCanceled {
		return
	}
	if x.body == nil {
		x.discard()
	}
	x.Status = x.send.fail(e)
}

// discard reads some of a body nobody wants: a client that is still sending
// when its connection is closed may never see the answer.
func (x *Exchange) discard() {
	_ = x.send.control.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.CopyN(io.Discard, x.request.Body, 1<<20)
	_ = x.send.control.SetReadDeadline(time.Time{})
}

func classOf(e *llm.Error) llm.Class {
	if e.Class == llm.ClassNone {
		return llm.ClassBadRequest
	}
	return e.Class
}

package usage

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Exchange is one row of the ledger: a request and how it was answered. It
// holds no text of the prompt or of the answer.
type Exchange struct {
	ID            string    // the request id that the client was given
	Start         time.Time // kept in microseconds
	Client, Team  string    // names; empty without a client key
	Dialect, Call string    // of the client: "anthropic", "/v1/messages"
	Alias         string    // the model as the client asked for it
	Stream        bool
	// Session and Agent say which conversation, and which of its subagents, the
	// request belongs to. Empty: not known, or the main agent.
	Session, Agent string
	// Provider, Model and Key are those of the answer; without an answer, those
	// of the last attempt.
	Provider, Model, Key string
	Status               int
	Class, Reason        string // how it ended: "ok" and "ok" if well
	// Input counts every input token, those read from and written to a cache
	// included; Output counts reasoning too.
	Input, Output         int64
	CacheRead, CacheWrite int64
	Reasoning             int64
	Estimated             bool  // the tokens are an estimate, nobody stated them
	Cost                  int64 // micro-dollars
	BytesIn, BytesOut     int64 // of the request's body, and sent to the client
	TTFT, Duration        time.Duration
	// Attempts are in the order they were made. A list of exchanges leaves them
	// out; see Reader.Exchange.
	Attempts []Attempt
}

// Attempt is one try at one target with one key.
type Attempt struct {
	Provider, Model, Key  string
	Dialect               string
	Start, TTFT, Duration time.Duration // Start: since the exchange began
	Status                int           // the provider's; 0: no answer
	Class, Reason         string
	Code                  string        // the provider's own word for the failure
	Wait                  time.Duration // the provider asked for
}

// The classes that are no failures.
var (
	classOK       = llm.ClassNone.String()
	classCanceled = llm.ClassCanceled.String()
)

func failed(class string) bool { return class != classOK && class != classCanceled }

// Failed reports whether the client got no answer, and had not gone away.
func (x *Exchange) Failed() bool { return failed(x.Class) }

// TokensPerSecond is the speed of the answer after its first token. 0: unknown.
func (x *Exchange) TokensPerSecond() float64 {
	d := x.Duration - x.TTFT
	if d <= 0 || x.Output <= 0 {
		return 0
	}
	return float64(x.Output) / d.Seconds()
}

// FromRecord returns the row for what the gateway tells its observer.
func FromRecord(r *gateway.Record) Exchange {
	x := Exchange{
		ID: r.ID, Start: r.Start, Client: r.Client, Team: r.Team,
		Dialect: string(r.Dialect), Call: r.Call, Alias: r.Model, Stream: r.Stream,
		Session: r.Session, Agent: r.Agent, Provider: r.Provider, Model: r.Target,
		Status: r.Status, Class: r.Class.String(), Reason: r.Reason,
		Input: int64(r.Usage.Input), Output: int64(r.Usage.Output),
		CacheRead: int64(r.Usage.CacheRead), CacheWrite: int64(r.Usage.CacheWrite),
		Reasoning: int64(r.Usage.Reasoning), Estimated: r.Estimated, Cost: r.Cost,
		BytesIn: r.BytesIn, BytesOut: r.Bytes, TTFT: r.TTFT, Duration: r.Duration,
	}
	if len(r.Attempts) == 0 {
		return x
	}
	x.Attempts = make([]Attempt, len(r.Attempts))
	for i := range r.Attempts {
		x.Attempts[i] = fromAttempt(&r.Attempts[i])
	}
	last := &x.Attempts[len(x.Attempts)-1]
	x.Key = last.Key
	if x.Provider == "" {
		x.Provider, x.Model = last.Provider, last.Model
	}
	return x
}

func fromAttempt(a *gateway.Attempt) Attempt {
	return Attempt{
		Provider: a.Provider, Model: a.Model, Key: a.Key, Dialect: string(a.Dialect),
		Start: a.Start, TTFT: a.TTFT, Duration: a.Duration, Status: a.Status,
		Class: a.Class.String(), Reason: a.Reason, Code: a.Code, Wait: a.Wait,
	}
}

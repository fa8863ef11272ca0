package console

import (
	"context"
	"time"
)

// Requests are what clients asked, from the ledger and still in flight.
type Requests interface {
	// List returns the newest first. next is empty at the end.
	List(ctx context.Context, q RequestQuery) (rows []Request, next string, err error)
	Get(ctx context.Context, id string) (RequestDetail, error)
	// Captured returns the texts that were kept of a request, where the
	// configuration asks for that.
	Captured(ctx context.Context, id string) ([]CapturedText, error)
	// Sessions returns the sessions seen since a time, newest first.
	Sessions(ctx context.Context, since time.Time, cursor string, limit int) (rows []Session, next string, err error)
}

// RequestQuery narrows a list of requests; empty fields do not. Text is compared
// whole, and with the beginning of request ids, never by pattern.
type RequestQuery struct {
	Provider, Model, Client, Session, Class, Text string
	Since                                         time.Time
	Cursor                                        string
	Limit                                         int
}

// Request is one exchange with a client.
type Request struct {
	ID           string  `json:"id"`
	Start        Time    `json:"start"`
	Client       string  `json:"client"`
	Dialect      string  `json:"dialect"`
	Call         string  `json:"call"`
	Model        string  `json:"model"` // as the client asked
	Stream       bool    `json:"stream"`
	Session      string  `json:"session,omitzero"`
	Agent        string  `json:"agent,omitzero"`
	Provider     string  `json:"provider,omitzero"`
	Target       string  `json:"target,omitzero"` // the model that answered
	Status       int     `json:"status"`
	Class        string  `json:"class"` // empty: it went well
	Reason       string  `json:"reason,omitzero"`
	TTFTMS       float64 `json:"ttft_ms,omitzero"`
	DurationMS   float64 `json:"duration_ms,omitzero"`
	TokensIn     int64   `json:"tokens_in"`
	TokensOut    int64   `json:"tokens_out"`
	TokensCached int64   `json:"tokens_cached"`
	CostMicroUSD int64   `json:"cost_microusd"`
	Estimated    bool    `json:"estimated"`
	Attempts     int     `json:"attempts"`
	BytesOut     int64   `json:"bytes_out"`
	InFlight     bool    `json:"in_flight,omitzero"`
}

// CapturedText is what a client sent, or was sent, with keys blacked out.
type CapturedText struct {
	Kind  string `json:"kind"` // request, answer
	At    Time   `json:"at"`
	Bytes int64  `json:"bytes"` // of the whole
	Cut   bool   `json:"cut"`   // Text is only its beginning
	Text  string `json:"text"`
}

type capturedAnswer struct {
	Texts []CapturedText `json:"texts"`
}

// RequestDetail is a request with its attempts and why they were chosen.
type RequestDetail struct {
	Request
	// Tries stands in the place of the count of attempts.
	Tries    []Attempt `json:"attempts"`
	Decision *Decision `json:"decision,omitzero"`
}

// Attempt is one try with one provider. Times are milliseconds since the
// request began.
type Attempt struct {
	Provider   string   `json:"provider"`
	Model      string   `json:"model"`
	Key        string   `json:"key"`
	Dialect    string   `json:"dialect"`
	StartMS    float64  `json:"start_ms"`
	TTFTMS     float64  `json:"ttft_ms,omitzero"`
	DurationMS float64  `json:"duration_ms"`
	Status     int      `json:"status"`
	Class      string   `json:"class"`
	Reason     string   `json:"reason,omitzero"`
	Code       string   `json:"code,omitzero"`
	Message    string   `json:"message,omitzero"`
	WaitMS     float64  `json:"wait_ms,omitzero"`
	Dropped    []string `json:"dropped"`
}

// Decision is why the targets were tried in this order.
type Decision struct {
	Strategy   string           `json:"strategy"`
	Affinity   string           `json:"affinity,omitzero"`
	Candidates []DecisionTarget `json:"candidates"`
}

// DecisionTarget is a target as the router saw it.
type DecisionTarget struct {
	Provider string  `json:"provider"`
	Model    string  `json:"model"`
	Tier     int     `json:"tier"`
	ScoreMS  float64 `json:"score_ms,omitzero"`
	Picked   bool    `json:"picked"`
	Reason   string  `json:"reason"`
	Filtered string  `json:"filtered,omitzero"`
}

// Session is a conversation of a client, with the agents in it.
type Session struct {
	ID           string         `json:"id"`
	Start        Time           `json:"start"`
	Last         Time           `json:"last"`
	Requests     int64          `json:"requests"`
	CostMicroUSD int64          `json:"cost_microusd"`
	TokensIn     int64          `json:"tokens_in"`
	TokensOut    int64          `json:"tokens_out"`
	Agents       []SessionAgent `json:"agents"`
}

// SessionAgent is one agent of a session.
type SessionAgent struct {
	ID           string `json:"id"`
	Requests     int64  `json:"requests"`
	CostMicroUSD int64  `json:"cost_microusd"`
}

type requestsAnswer struct {
	Requests []Request `json:"requests"`
	Next     string    `json:"next,omitzero"`
}

func listRequests(k *call) (any, error) {
	q, err := k.requestQuery()
	if err != nil {
		return nil, err
	}
	var out requestsAnswer
	out.Requests, out.Next, err = k.c.o.Backend.Requests.List(k.ctx(), q)
	return out, err
}

func (k *call) requestQuery() (q RequestQuery, err error) {
	texts := []struct {
		name string
		to   *string
	}{
		{"provider", &q.Provider}, {"model", &q.Model}, {"client", &q.Client},
		{"session", &q.Session}, {"class", &q.Class}, {"q", &q.Text},
	}
	for _, t := range texts {
		if *t.to, err = k.text(t.name); err != nil {
			return q, err
		}
	}
	if q.Since, err = k.moment("since"); err != nil {
		return q, err
	}
	if q.Cursor, err = k.cursor(); err != nil {
		return q, err
	}
	q.Limit, err = k.limit()
	return q, err
}

func getRequest(k *call) (any, error) {
	return k.c.o.Backend.Requests.Get(k.ctx(), k.names[0])
}

func getCaptured(k *call) (any, error) {
	texts, err := k.c.o.Backend.Requests.Captured(k.ctx(), k.names[0])
	return capturedAnswer{texts}, err
}

type sessionsAnswer struct {
	Sessions []Session `json:"sessions"`
	Next     string    `json:"next,omitzero"`
}

func listSessions(k *call) (any, error) {
	since, err := k.moment("since")
	if err != nil {
		return nil, err
	}
	limit, err := k.limit()
	if err != nil {
		return nil, err
	}
	cursor, err := k.cursor()
	if err != nil {
		return nil, err
	}
	var out sessionsAnswer
	out.Sessions, out.Next, err = k.c.o.Backend.Requests.Sessions(k.ctx(), since, cursor, limit)
	return out, err
}

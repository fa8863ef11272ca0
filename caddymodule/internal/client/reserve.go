package client

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Ask is what an exchange may use at most, as far as can be told before it.
type Ask struct {
	Tokens int64 // of the prompt and the longest answer
	Cost   int64 // in micro-US-dollars
	// Now is the time, with its monotonic reading (as time.Now returns it).
	Now time.Time
}

// Kind names a limit.
type Kind string

// The limits.
const (
	KindRequests     Kind = "requests"
	KindTokens       Kind = "tokens"
	KindStreams      Kind = "streams"
	KindDailySpend   Kind = "daily_spend"
	KindMonthlySpend Kind = "monthly_spend"
	// KindInvalid is no limit: the ask had a negative figure.
	KindInvalid Kind = "invalid"
)

// Scoped says whose limit it is.
type Scoped string

// Whose limit it is.
const (
	OfKey  Scoped = "key"
	OfTeam Scoped = "team"
)

// Denial says which limit keeps an exchange from beginning.
type Denial struct {
	Kind  Kind
	Scope Scoped
	// Limit and Remaining are requests, tokens, exchanges, or micro-US-dollars.
	// Remaining is not enough for what was asked.
	Limit, Remaining int64
	// Reset is how long to wait before the same may be asked again.
	Reset time.Duration
}

// Error is a sentence for the caller, in plain words.
func (d *Denial) Error() string {
	whose := fmt.Sprintf("this %s", d.Scope)
	switch d.Kind {
	case KindRequests:
		return fmt.Sprintf("%s may make %d requests a minute", whose, d.Limit)
	case KindTokens:
		return fmt.Sprintf("%s may use %d tokens a minute, of which %d are left", whose, d.Limit, d.Remaining)
	case KindStreams:
		return fmt.Sprintf("%s may have %d requests under way at once", whose, d.Limit)
	case KindDailySpend:
		return fmt.Sprintf("%s may spend %s a day, of which %s are left", whose, dollars(d.Limit), dollars(d.Remaining))
	case KindMonthlySpend:
		return fmt.Sprintf("%s may spend %s a month, of which %s are left", whose, dollars(d.Limit), dollars(d.Remaining))
	}
	return "the request's size or price is not known"
}

func dollars(micro int64) string { return fmt.Sprintf("$%d.%06d", micro/1e6, micro%1e6) }

// Figure is the state of one limit, for response headers.
type Figure struct {
	Limit, Remaining int64 // Limit 0: there is none
	// Reset is how long it takes until the whole limit is free again.
	Reset time.Duration
}

// Figures are the states of the limits after a reservation; where key and team
// are both limited, that of which less remains.
type Figures struct {
	Requests, Tokens, Daily, Monthly Figure
}

// Reservation is what an exchange may use. End it with Settle.
type Reservation struct {
	// Figures are the states of the limits right after the reservation.
	Figures Figures

	ask       Ask
	key, team hold
	settled   atomic.Bool
}

// Reserve takes what ask wants from the limits of the key and of its team, of
// both or of neither. What was reserved counts as used until it is settled, so
// exchanges side by side never spend more than the caps between them, as long as
// none costs more than it asked for. The denial names the limit that needs the
// longest wait.
func (c *Client) Reserve(ask Ask) (*Reservation, *Denial) {
	if ask.Tokens < 0 || ask.Cost < 0 {
		return nil, &Denial{Kind: KindInvalid, Scope: OfKey}
	}
	// Always in this order; a team is no key, so nobody waits in a circle.
	c.key.mu.Lock()
	defer c.key.mu.Unlock()
	worst := c.key.try(&ask, &c.Limits, OfKey)
	if c.team != nil {
		c.team.mu.Lock()
		defer c.team.mu.Unlock()
		if d := c.team.try(&ask, &c.teamLimits, OfTeam); d != nil && (worst == nil || d.Reset > worst.Reset) {
			worst = d
		}
	}
	if worst != nil {
		return nil, worst
	}
	r := &Reservation{ask: ask, key: c.key.take(&ask, &c.Limits)}
	r.Figures.narrow(c.key, &c.Limits, ask.Now)
	if c.team != nil {
		r.team = c.team.take(&ask, &c.teamLimits)
		r.Figures.narrow(c.team, &c.teamLimits, ask.Now)
	}
	return r, nil
}

// Settle ends the reservation: tokens and cost (in micro-US-dollars) are what the
// exchange did use, and what it did not use is free again. More than was asked
// for is counted too, beyond the cap if it must. A negative figure cannot be
// right; then what was asked for counts as used. Only the first call counts. A
// nil Reservation has nothing to settle.
func (r *Reservation) Settle(tokens, cost int64, now time.Time) {
	if r == nil || !r.settled.CompareAndSwap(false, true) {
		return
	}
	if tokens < 0 {
		tokens = r.ask.Tokens
	}
	if cost < 0 {
		cost = r.ask.Cost
	}
	r.key.settle(&r.ask, tokens, cost, now)
	r.team.settle(&r.ask, tokens, cost, now)
}

// narrow takes over the figures of a of which less remains. The account is locked.
func (f *Figures) narrow(a *account, l *Limits, at time.Time) {
	now := a.at(at)
	if n := l.RequestsPerMinute; n > 0 {
		f.Requests.narrow(a.requests.figure(n, l.requestBurst()))
	}
	if n := l.TokensPerMinute; n > 0 {
		f.Tokens.narrow(a.tokens.figure(n, l.tokenBurst()))
	}
	if n := l.DailyMicroUSD; n > 0 {
		f.Daily.narrow(Figure{n, a.day.left(n), a.day.reset(&days, now)})
	}
	if n := l.MonthlyMicroUSD; n > 0 {
		f.Monthly.narrow(Figure{n, a.month.left(n), a.month.reset(&months, now)})
	}
}

func (f *Figure) narrow(other Figure) {
	if f.Limit == 0 || other.Remaining < f.Remaining {
		*f = other
	}
}

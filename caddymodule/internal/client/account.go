package client

import (
	"sync"
	"time"
)

// Accounts holds what every key and every team has used, by id. It outlives
// configurations: give the same Accounts to each new Registry. The zero value is
// ready for use.
type Accounts struct {
	mu   sync.Mutex
	byID map[string]*account
}

// account is what one key or one team has used.
type account struct {
	mu       sync.Mutex
	began    time.Time // the first time it was asked; its monotonic clock begins then
	requests meter
	tokens   meter
	streams  int64
	day      bucket
	month    bucket
	imported bool // saved figures were added; Accounts.mu guards it
}

// get returns the account with that id, new if there was none.
func (a *Accounts) get(id string) *account {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.getLocked(id)
}

func (a *Accounts) getLocked(id string) *account {
	if a.byID == nil {
		a.byID = make(map[string]*account)
	}
	acc := a.byID[id]
	if acc == nil {
		acc = new(account)
		a.byID[id] = acc
	}
	return acc
}

// instant is a moment on both of an account's clocks.
type instant struct {
	wall time.Time     // the calendar, which people set
	mono time.Duration // since the account began; never set back
}

// at returns the moment now. The account is locked.
func (a *account) at(now time.Time) instant {
	if a.began.IsZero() {
		a.began = now
	}
	return instant{now, now.Sub(a.began)}
}

func keyAccount(id string) string    { return "key:" + id }
func teamAccount(name string) string { return "team:" + name }

// Usage is what a key or team has used so far.
type Usage struct {
	Streams int64 `json:"streams"` // exchanges under way
	// TodayMicroUSD and MonthMicroUSD are what was spent in this UTC day and month,
	// without what exchanges under way have reserved.
	TodayMicroUSD int64 `json:"spent_today_microusd"`
	MonthMicroUSD int64 `json:"spent_month_microusd"`
	// TodayRefused and MonthRefused say that a request was refused because it might
	// have cost more than was left of that day's or month's limit.
	TodayRefused bool `json:"-"`
	MonthRefused bool `json:"-"`
}

func (a *account) usage(now time.Time) Usage {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn(a.at(now))
	return Usage{a.streams, a.day.spent, a.month.spent, a.day.refused, a.month.refused}
}

// Spending is what was spent in a UTC day and its month, in micro-US-dollars.
type Spending struct{ Today, Month int64 }

// raise makes what was spent at now at least s.
func (a *account) raise(now time.Time, s Spending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.at(now)
	a.turn(at)
	a.day.raise(&days, at, s.Today)
	a.month.raise(&months, at, s.Month)
}

func (a *account) turn(now instant) {
	a.day.turn(&days, now)
	a.month.turn(&months, now)
}

// move brings everything that depends on time up to now.
func (a *account) move(now instant, l *Limits) {
	if l.RequestsPerMinute > 0 {
		a.requests.leak(now.mono, l.RequestsPerMinute)
	}
	if l.TokensPerMinute > 0 {
		a.tokens.leak(now.mono, l.TokensPerMinute)
	}
	a.turn(now)
}

// try returns why ask does not fit, or nil.
func (a *account) try(ask *Ask, l *Limits, scope Scoped) *Denial {
	now := a.at(ask.Now)
	a.move(now, l)
	return a.deny(ask, l, scope, now)
}

// deny returns the limit that ask would break for longest, or nil. move was called.
func (a *account) deny(ask *Ask, l *Limits, scope Scoped, now instant) (worst *Denial) {
	note := func(kind Kind, limit, remaining int64, reset time.Duration) {
		if worst == nil || reset > worst.Reset {
			worst = &Denial{Kind: kind, Scope: scope, Limit: limit, Remaining: remaining, Reset: reset}
		}
	}
	if l.MaxStreams > 0 && a.streams >= l.MaxStreams {
		note(KindStreams, l.MaxStreams, 0, retryInFlight)
	}
	if n := l.RequestsPerMinute; n > 0 {
		if wait := a.requests.wait(1, n, l.requestBurst()); wait > 0 {
			note(KindRequests, n, 0, wait)
		}
	}
	if n := l.TokensPerMinute; n > 0 {
		if wait := a.tokens.wait(ask.Tokens, n, l.tokenBurst()); wait > 0 {
			note(KindTokens, n, a.tokens.figure(n, l.tokenBurst()).Remaining, wait)
		}
	}
	if n := l.DailyMicroUSD; n > 0 && !a.day.fits(ask.Cost, n) {
		note(KindDailySpend, n, a.day.left(n), a.day.retry(ask.Cost, n, &days, now))
	}
	if n := l.MonthlyMicroUSD; n > 0 && !a.month.fits(ask.Cost, n) {
		note(KindMonthlySpend, n, a.month.left(n), a.month.retry(ask.Cost, n, &months, now))
	}
	return worst
}

// take reserves what ask wants and returns what settle needs to know.
func (a *account) take(ask *Ask, l *Limits) hold {
	h := hold{account: a, limits: l, day: a.day.filling, month: a.month.filling}
	a.streams++
	if l.RequestsPerMinute > 0 {
		a.requests.add(1, l.RequestsPerMinute, l.requestBurst())
	}
	if l.TokensPerMinute > 0 {
		h.tokens = a.tokens.add(float64(ask.Tokens), l.TokensPerMinute, l.tokenBurst())
	}
	a.day.held = addSaturating(a.day.held, ask.Cost)
	a.month.held = addSaturating(a.month.held, ask.Cost)
	return h
}

// hold is a reservation's part of one account.
type hold struct {
	account    *account
	limits     *Limits
	day, month uint64  // the fillings it belongs to
	tokens     float64 // by which the meter rose, at most what was asked for
}

// settle replaces what was asked for by what was used.
func (h *hold) settle(ask *Ask, tokens, cost int64, now time.Time) {
	if h.account == nil {
		return
	}
	a, l := h.account, h.limits
	a.mu.Lock()
	defer a.mu.Unlock()
	a.streams--
	a.move(a.at(now), l)
	if l.TokensPerMinute > 0 {
		a.tokens.add(float64(tokens)-h.tokens, l.TokensPerMinute, l.tokenBurst())
	}
	a.day.settle(h.day, ask.Cost, cost)
	a.month.settle(h.month, ask.Cost, cost)
}

package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// savedAccounts is the form of Accounts in the state file.
type savedAccounts struct {
	At       int64                   `json:"at"` // Unix milliseconds
	Accounts map[string]savedAccount `json:"accounts"`
}

// savedAccount is what one account has used. Days and months are counted from
// January 1970 and from the year 0, in UTC.
type savedAccount struct {
	Requests  float64 `json:"requests,omitempty"` // not leaked away yet
	Tokens    float64 `json:"tokens,omitempty"`
	Day       int64   `json:"day"`
	Today     int64   `json:"today,omitempty"` // micro-US-dollars
	Month     int64   `json:"month"`
	ThisMonth int64   `json:"this_month,omitempty"`
}

const (
	maxSaved    = 64 << 20 // bytes
	maxSavedIDs = 2 * maxClients
)

// Export returns what is worth keeping over a restart, as JSON, or nil if nothing
// is. What is under way counts as spent in full, since after a crash nobody
// settles it; the export after it has ended tells what it did cost.
func (a *Accounts) Export(now time.Time) json.RawMessage {
	a.mu.Lock()
	defer a.mu.Unlock()
	saved := savedAccounts{At: now.UnixMilli(), Accounts: make(map[string]savedAccount)}
	for id, acc := range a.byID {
		if s := acc.save(now); s.worth() {
			saved.Accounts[id] = s
		}
	}
	if len(saved.Accounts) == 0 {
		return nil
	}
	data, err := json.Marshal(saved)
	if err != nil {
		return nil // cannot happen: only finite numbers and strings
	}
	return data
}

func (a *account) save(now time.Time) savedAccount {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn(a.at(now))
	return savedAccount{
		Requests: a.requests.level, Tokens: a.tokens.level,
		Day: max(0, a.day.period), Today: addSaturating(a.day.spent, a.day.held),
		Month: max(0, a.month.period), ThisMonth: addSaturating(a.month.spent, a.month.held),
	}
}

func (s *savedAccount) worth() bool {
	return s.Requests > 0 || s.Tokens > 0 || s.Today > 0 || s.ThisMonth > 0
}

// Import adds what Export wrote to what was used since the process began. Only the
// first figures for an account count, so that nothing is added twice. The error
// says that data is not of Export's form; nothing is taken from it then.
func (a *Accounts) Import(now time.Time, data json.RawMessage) error {
	if len(data) > maxSaved {
		return errors.New("reading what clients have used: far too long")
	}
	var saved savedAccounts
	if err := json.Unmarshal(data, &saved); err != nil {
		return fmt.Errorf("reading what clients have used: %w", err)
	}
	if len(saved.Accounts) > maxSavedIDs {
		return errors.New("reading what clients have used: too many of them")
	}
	for id, s := range saved.Accounts {
		if !s.possible() || len(id) > 4*maxName {
			return fmt.Errorf("reading what client %.80q has used: a figure that cannot be", id)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, s := range saved.Accounts {
		acc := a.getLocked(id)
		if !acc.imported {
			acc.imported = true
			acc.load(now, &s, now.Sub(time.UnixMilli(saved.At)))
		}
	}
	return nil
}

func (s *savedAccount) possible() bool {
	for _, level := range [...]float64{s.Requests, s.Tokens} {
		if level < 0 || level > math.MaxInt64 {
			return false
		}
	}
	for _, period := range [...]int64{s.Day, s.Month} {
		if period < 0 || period > maxPeriod {
			return false
		}
	}
	return s.Today >= 0 && s.ThisMonth >= 0
}

// maxPeriod is a day in the year 29349, where a calendar is surely wrong.
const maxPeriod = 10_000_000

// load adds what was used up to a time that is age ago.
func (a *account) load(now time.Time, s *savedAccount, age time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.at(now)
	a.turn(at)
	a.requests.load(s.Requests, at.mono, age)
	a.tokens.load(s.Tokens, at.mono, age)
	a.day.load(s.Day, s.Today)
	a.month.load(s.Month, s.ThisMonth)
}

// load adds a level that was true before the process began. The limit is not
// known here, so the leak since then is left to the next use. An age that cannot
// be is not believed.
func (m *meter) load(level float64, now, age time.Duration) {
	if m.level == 0 {
		m.at = now - min(max(0, age), 2*maxDebt)
	}
	m.level += level
}

// load adds what was spent in a period before the process began, if that period
// is not over.
func (b *bucket) load(period, spent int64) {
	if period >= b.period {
		b.period = period
		b.spent = addSaturating(b.spent, spent)
	}
}

package usage

import "strings"

// ledgerSole, of version 3, has room in the row of an exchange for its only
// attempt. Most exchanges have a single attempt that says of itself what the
// exchange says, but for its dialect and its times; a row of its own would
// cost half as much as the exchange's. sole_dialect is NULL where the attempts
// are in rows of their own, or where there are none.
const ledgerSole = `
ALTER TABLE exchanges ADD COLUMN sole_dialect INTEGER;
ALTER TABLE exchanges ADD COLUMN sole_start INTEGER;
ALTER TABLE exchanges ADD COLUMN sole_ttft INTEGER;
ALTER TABLE exchanges ADD COLUMN sole_duration INTEGER;
`

// sole returns the attempt that goes into the row of x, or nil if its attempts
// need rows of their own.
func (x *Exchange) sole() *Attempt {
	if len(x.Attempts) != 1 {
		return nil
	}
	a := &x.Attempts[0]
	if a.Provider != x.Provider || a.Model != x.Model || a.Key != x.Key ||
		a.Status != x.Status || a.Class != x.Class || a.Reason != x.Reason || a.Code != "" || micros(a.Wait) != 0 {
		return nil
	}
	return a
}

// inRow is the measure of a row of exchanges x with its sole attempt, if it has
// one.
func (m measure) inRow() string {
	if m.attempt == "0" {
		return m.row
	}
	return "iif(x.sole_dialect IS NULL, 0, " + strings.ReplaceAll(m.attempt, "a.", "x.") + ")"
}

// attemptsOfOne are the attempts a of the exchange ?1.
const attemptsOfOne = `(
	SELECT n, provider, model, key, dialect, start, ttft, duration, status, class, reason, code, wait FROM attempts WHERE exchange = ?1
	UNION ALL SELECT 0, provider, model, key, sole_dialect, sole_start, sole_ttft, sole_duration, status, class, reason, '', 0
	FROM exchanges WHERE seq = ?1 AND sole_dialect IS NOT NULL) a`

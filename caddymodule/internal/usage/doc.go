// Package usage remembers what went through the gateway: the ledger of every
// exchange and every attempt, with its tokens, bytes, times and cost.
//
// A Ledger takes exchanges without ever making a request wait: Record puts one
// into a bounded queue, and a single goroutine writes what has gathered to an
// embedded SQLite database, at least ten times a second, in one transaction
// with the totals by hour and by day. A full queue, a full disk or a damaged
// file costs rows, never requests, and every lost row is counted and said:
// in Health, in the log, and in the ledger's own notes.
//
// A Reader answers questions, in the same process or in another one while the
// gateway writes: totals by provider, model, client, team, key, day, hour or
// session; lists of exchanges; sessions as trees. Money is in whole
// micro-dollars and sums are exact.
//
// A Capture keeps prompts and answers, for those who ask for it. The ledger
// itself holds no text of either.
package usage

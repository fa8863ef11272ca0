// Package client knows who may use the gateway, for what, and how much.
//
// A client proves itself with a token. The gateway keeps only the HMAC-SHA256
// of each token under a secret pepper, in a map by the whole digest, so a look-up
// costs well under a microsecond and a stolen store opens nothing. Tokens come
// from the Store, a file that aimux writes and seals, or from Static rows of the
// configuration, whose tokens secret managers keep.
//
// A Registry is the hot path: Identify tells who asks, Client.Allows what for,
// and Client.Reserve takes from the limits of the key and of its team at once
// what an exchange may cost at most; Reservation.Settle replaces that by what it
// did cost. Money is counted in millionths of a US dollar, in UTC days and
// months, and only ever changed by what was reserved and settled.
//
// What was used lives in Accounts, by id, apart from configuration: registries
// come and go with it, accounts stay, and Export and Import carry them over a
// restart.
//
// Clocks jump. Rates are measured on the monotonic clock. A day's or month's
// budget starts anew when the calendar moves forward; a calendar that moves back
// leaves the present budget as it is, so that no budget is filled twice, but for
// no longer than a day (or 31 days) of monotonic time, so that nobody is locked
// out by a clock that was wrong once. When a token expires is asked of the
// calendar as it stands.
//
// All types are safe for concurrent use. The package starts no goroutine.
package client

package usage

import (
	"fmt"
	"strings"
)

// ledgerApp marks a database as a usage ledger: "aimx" in ASCII.
const ledgerApp = 0x61696d78

// aboutItself are the tables every database of this package has: numbers about
// itself, and notes. meta 'open' is when it was opened, in Unix microseconds, or
// 0 once it was closed; 'flushed' when something was last written; 'rows' how
// many rows there are.
const aboutItself = `
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE notes(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
`

// The names with fixed ids.
const (
	nameNone     = 0 // ""
	nameOK       = 1
	nameCanceled = 2
	nameOther    = 3 // stands for names beyond the bound
)

// other is the text that stands for what goes beyond a bound.
const other = "(other)"

// ledgerRows is version 1: the rows. Times are Unix microseconds, durations
// microseconds, cost micro-dollars. Texts from short lists (of the
// configuration and of this program) are numbers in names; those that clients
// make up are texts.
const ledgerRows = aboutItself + `
CREATE TABLE names(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO names(id, text) VALUES (0, ''), (1, 'ok'), (2, 'canceled'), (3, '(other)');
CREATE TABLE sessions(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
CREATE INDEX sessions_last ON sessions(last);
CREATE TABLE exchanges(
	seq INTEGER PRIMARY KEY, id TEXT NOT NULL, start INTEGER NOT NULL,
	client INTEGER NOT NULL, team INTEGER NOT NULL, dialect INTEGER NOT NULL, call INTEGER NOT NULL,
	alias TEXT NOT NULL, stream INTEGER NOT NULL, session INTEGER, agent TEXT,
	provider INTEGER NOT NULL, model TEXT NOT NULL, key INTEGER NOT NULL,
	status INTEGER NOT NULL, class INTEGER NOT NULL, reason INTEGER NOT NULL,
	input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,
	reasoning INTEGER NOT NULL, estimated INTEGER NOT NULL, cost INTEGER NOT NULL,
	bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, ttft INTEGER NOT NULL, duration INTEGER NOT NULL
) STRICT;
CREATE INDEX exchanges_start ON exchanges(start);
CREATE INDEX exchanges_id ON exchanges(id);
CREATE INDEX exchanges_session ON exchanges(session) WHERE session IS NOT NULL;
CREATE TABLE attempts(
	exchange INTEGER NOT NULL, n INTEGER NOT NULL,
	provider INTEGER NOT NULL, model TEXT NOT NULL, key INTEGER NOT NULL, dialect INTEGER NOT NULL,
	start INTEGER NOT NULL, ttft INTEGER NOT NULL, duration INTEGER NOT NULL,
	status INTEGER NOT NULL, class INTEGER NOT NULL, reason INTEGER NOT NULL, code TEXT NOT NULL, wait INTEGER NOT NULL,
	PRIMARY KEY(exchange, n)
) STRICT, WITHOUT ROWID;
`

// measure is one sum the ledger keeps, and how a row of exchanges x counts in
// it, and a row of attempts a. See inRow for the attempts in rows of exchanges.
type measure struct{ name, row, attempt string }

// The measures by position in sums.
const (
	mRequests = iota
	mFailures
	mCanceled
	mEstimated
	mInput
	mOutput
	mCacheRead
	mCacheWrite
	mReasoning
	mCost
	mBytesIn
	mBytesOut
	mTTFT
	mTimed
	mDuration
	mAttempts
	mFailed
	nMeasures
)

// sums is one figure for each measure.
type sums [nMeasures]int64

var measures = [nMeasures]measure{
	mRequests:   {"requests", "1", "0"},
	mFailures:   {"failures", "class NOT IN (1, 2)", "0"},
	mCanceled:   {"canceled", "class = 2", "0"},
	mEstimated:  {"estimated", "estimated", "0"},
	mInput:      {"input", "input", "0"},
	mOutput:     {"output", "output", "0"},
	mCacheRead:  {"cache_read", "cache_read", "0"},
	mCacheWrite: {"cache_write", "cache_write", "0"},
	mReasoning:  {"reasoning", "reasoning", "0"},
	mCost:       {"cost", "cost", "0"},
	mBytesIn:    {"bytes_in", "bytes_in", "0"},
	mBytesOut:   {"bytes_out", "bytes_out", "0"},
	mTTFT:       {"ttft", "ttft", "0"},
	mTimed:      {"timed", "ttft > 0", "0"},
	mDuration:   {"duration", "duration", "0"},
	mAttempts:   {"attempts", "0", "1"},
	mFailed:     {"failed_attempts", "0", "a.class NOT IN (1, 2)"},
}

// each joins what f makes of the measures.
func each(sep string, f func(measure) string) string {
	parts := make([]string, nMeasures)
	for i, m := range measures {
		parts[i] = f(m)
	}
	return strings.Join(parts, sep)
}

// The lengths of the buckets of roll-ups, in seconds. Buckets begin at whole
// hours and days of UTC.
const (
	hour = 3600
	day  = 24 * hour
)

// ledgerRollups is version 2: the totals by hour and by day, filled from the
// rows there are. span is the bucket's length, start its beginning, in seconds.
// inRow is what a row of exchanges counts for a measure; before version 3 it
// knew of no attempts.
func ledgerRollups(inRow func(measure) string) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE rollups(span INTEGER NOT NULL, start INTEGER NOT NULL, provider INTEGER NOT NULL, model TEXT NOT NULL, client INTEGER NOT NULL, team INTEGER NOT NULL, key INTEGER NOT NULL, ")
	b.WriteString(each(", ", func(m measure) string { return m.name + " INTEGER NOT NULL" }))
	b.WriteString(", PRIMARY KEY(span, start, provider, model, client, team, key)) STRICT, WITHOUT ROWID;\n")
	for _, span := range [...]int64{hour, day} {
		bucket := bucketOf("x.start", span)
		fmt.Fprintf(&b, "INSERT INTO rollups SELECT %d, %s AS bucket, provider, model, client, team, key, %s FROM exchanges x GROUP BY bucket, provider, model, client, team, key;\n",
			span, bucket, each(", ", func(m measure) string { return "sum(" + inRow(m) + ")" }))
		fmt.Fprintf(&b, "INSERT INTO rollups SELECT %d, %s AS bucket, a.provider, a.model, x.client, x.team, a.key, %s FROM attempts a JOIN exchanges x ON x.seq = a.exchange WHERE true GROUP BY bucket, a.provider, a.model, x.client, x.team, a.key %s;\n",
			span, bucket, each(", ", func(m measure) string { return "sum(" + m.attempt + ")" }), addUp())
	}
	return b.String()
}

// bucketOf is the SQL for the beginning, in seconds, of the bucket that a time
// in microseconds falls into, before 1970 too.
func bucketOf(column string, span int64) string {
	w := span * 1e6
	return fmt.Sprintf("((%s - ((%s %% %d) + %d) %% %d) / 1000000)", column, column, w, w, w)
}

// addUp is the end of an INSERT into rollups that adds to what is there.
func addUp() string {
	return "ON CONFLICT DO UPDATE SET " + each(", ", func(m measure) string {
		return m.name + " = rollups." + m.name + " + excluded." + m.name
	})
}

// ledgerSteps are the versions of the ledger's schema.
func ledgerSteps() []string {
	return []string{ledgerRows, ledgerRollups(func(m measure) string { return m.row }), ledgerSole + ledgerBlocks}
}

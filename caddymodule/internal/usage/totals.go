package usage

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// By is what totals are grouped by.
type By string

// What totals can be grouped by. BySession answers from rows only.
const (
	ByNothing  By = ""
	ByProvider By = "provider"
	ByModel    By = "model"
	ByClient   By = "client"
	ByTeam     By = "team"
	ByKey      By = "key" // "provider/name"
	ByDay      By = "day"
	ByHour     By = "hour"
	BySession  By = "session"
)

// grouping is the SQL of a By: the key within a part, with x for the client's
// side and a for the provider's, and how the key becomes a text.
type grouping struct{ key, text string }

// grouping returns the SQL of by; ok is false if there is no such By.
func (by By) grouping() (g grouping, ok bool) {
	const named = "(SELECT text FROM names WHERE id = k)"
	switch by {
	case ByNothing:
		return grouping{"0", "''"}, true
	case ByProvider:
		return grouping{"a.provider", named}, true
	case ByModel:
		return grouping{"a.model", "k"}, true
	case ByClient:
		return grouping{"x.client", named}, true
	case ByTeam:
		return grouping{"x.team", named}, true
	case ByKey:
		return grouping{"(a.provider << 32 | a.key)", "CASE k WHEN 0 THEN '' ELSE (SELECT text FROM names WHERE id = k >> 32) || '/' || (SELECT text FROM names WHERE id = k & 4294967295) END"}, true
	case ByDay:
		return grouping{bucketOf("x.start", day), "strftime('%Y-%m-%d', k, 'unixepoch')"}, true
	case ByHour:
		return grouping{bucketOf("x.start", hour), "strftime('%Y-%m-%dT%H:00Z', k, 'unixepoch')"}, true
	case BySession:
		return grouping{"coalesce(x.session, 0)", "coalesce((SELECT text FROM sessions WHERE id = k), '')"}, true
	}
	return grouping{}, false
}

// ParseBy checks a word that a user gave.
func ParseBy(word string) (By, error) {
	if _, ok := By(word).grouping(); !ok {
		return "", fmt.Errorf("cannot group by %q; choose provider, model, client, team, key, day, hour or session", short(word, 40))
	}
	return By(word), nil
}

// Sums are the totals of exchanges. Requests counts all of them, Failures those
// whose client got no answer, and Canceled those whose client went away.
type Sums struct {
	Requests, Failures, Canceled int64
	Input, Output                int64 // tokens
	CacheRead, CacheWrite        int64 // parts of Input
	Reasoning                    int64 // part of Output
	Estimated                    int64 // requests whose tokens are an estimate
	Cost                         int64 // micro-dollars
	BytesIn, BytesOut            int64
	// TTFT is the mean time to the first token of the requests that had one,
	// Duration the mean of all.
	TTFT, Duration time.Duration
	// Attempts and FailedAttempts count under the provider, model and key that
	// were tried, not under those that answered in the end.
	Attempts, FailedAttempts int64
}

func (s *sums) add(other *sums) {
	for i := range s {
		s[i] += other[i]
	}
}

func (s *sums) public() Sums {
	mean := func(sum, n int64) time.Duration {
		return time.Duration(sum) * time.Microsecond / time.Duration(max(n, 1))
	}
	return Sums{
		Requests: s[mRequests], Failures: s[mFailures], Canceled: s[mCanceled],
		Input: s[mInput], Output: s[mOutput], CacheRead: s[mCacheRead], CacheWrite: s[mCacheWrite],
		Reasoning: s[mReasoning], Estimated: s[mEstimated], Cost: s[mCost],
		BytesIn: s[mBytesIn], BytesOut: s[mBytesOut],
		TTFT: mean(s[mTTFT], s[mTimed]), Duration: mean(s[mDuration], s[mRequests]),
		Attempts: s[mAttempts], FailedAttempts: s[mFailed],
	}
}

// Group is the totals of the exchanges that share a key.
type Group struct {
	// Key is what they share: a name; "2026-11-22" for a day and
	// "2026-11-22T13:00Z" for an hour, of UTC. Empty: they had none. "(other)":
	// one of those beyond the 2000 an hour tells apart.
	Key string
	Sums
}

// Query asks for totals.
type Query struct {
	By By
	Filter
	// Limit bounds the groups. Default: 1000; at most 10000.
	Limit int
}

// Totals answer a Query.
type Totals struct {
	By By
	// From and Until bound what the figures cover; zero: there is no bound. It is
	// more than was asked for where rows were deleted already: then whole hours,
	// or whole days.
	From, Until time.Time
	// Groups are by time, oldest first, or else by cost, highest first.
	Groups []Group
	// Total is of all groups, also of those beyond the limit.
	Total Sums
	// More says that there were more groups than the limit.
	More bool
}

// Totals adds up the exchanges a query chooses. They are of one moment, and
// exact. A filter that only rows can answer limits it to the time rows are
// kept.
func (r *Reader) Totals(ctx context.Context, q Query) (Totals, error) {
	if _, err := ParseBy(string(q.By)); err != nil {
		return Totals{}, err
	}
	t := Totals{By: q.By}
	err := r.snapshot(ctx, func(tx *sql.Tx) error {
		k, err := readKept(ctx, tx)
		if err != nil {
			return err
		}
		return t.load(ctx, tx, &q, t.cover(k, &q))
	})
	return t, err
}

// load adds up the parts.
func (t *Totals) load(ctx context.Context, tx *sql.Tx, q *Query, parts []part) error {
	limit := within(q.Limit, 1000, 10_000)
	var total sums
	query, args := q.sql(parts, q.By, limit+1)
	err := scanAll(ctx, tx, query, args, func(rows *sql.Rows) error {
		key, s, err := scanGroup(rows)
		total.add(&s)
		if t.More = len(t.Groups) == limit; !t.More {
			t.Groups = append(t.Groups, Group{key, s.public()})
		}
		return err
	})
	if err == nil && t.More {
		query, args = q.sql(parts, ByNothing, 1)
		err = scanAll(ctx, tx, query, args, func(rows *sql.Rows) (err error) {
			_, total, err = scanGroup(rows)
			return err
		})
	}
	t.Total = total.public()
	return err
}

// cover decides what a query's figures are added up from.
func (t *Totals) cover(k kept, q *Query) []part {
	since, until := micro(q.Since, ever), micro(q.Until, never)
	if q.By == BySession || q.rowsOnly() {
		since = max(since, k.rows)
		t.From, t.Until = moment(since), moment(until)
		return []part{{fromRows, since, until}}
	}
	if q.By == ByHour {
		since = max(since, k.hours)
	}
	parts, from, to := k.cover(since, until)
	t.From, t.Until = moment(from), moment(to)
	return parts
}

func scanGroup(rows *sql.Rows) (key string, s sums, err error) {
	var text sql.NullString
	to := make([]any, 0, 1+nMeasures)
	to = append(to, &text)
	for i := range s {
		to = append(to, &s[i])
	}
	err = rows.Scan(to...)
	return text.String, s, err
}

// sql is the query that adds up the parts.
func (q *Query) sql(parts []part, by By, limit int) (query string, args []any) {
	g, _ := by.grouping()
	var selects []string
	for _, p := range parts {
		for _, s := range q.selects(p, g.key) {
			selects = append(selects, s.parts[0])
			args = append(args, s.args...)
		}
	}
	if len(selects) == 0 {
		selects = []string{"SELECT 0 AS k, " + each(", ", func(m measure) string { return "0 AS " + m.name }) + " WHERE false"}
	}
	order := "cost DESC, requests DESC, 1"
	if by == ByDay || by == ByHour {
		order = "k"
	}
	query = "SELECT " + g.text + ", " + each(", ", func(m measure) string { return m.name }) +
		" FROM (SELECT k, " + each(", ", func(m measure) string { return "sum(" + m.name + ") AS " + m.name }) +
		" FROM (" + strings.Join(selects, " UNION ALL ") + ") GROUP BY k) ORDER BY " + order + " LIMIT ?"
	return query, append(args, limit)
}

// selects are the queries a part is added up from, as one condition each.
func (q *Query) selects(p part, key string) []conditions {
	if p.source != fromRows {
		return []conditions{q.fromTotals(p, key)}
	}
	return []conditions{q.fromExchanges(p, key), q.fromAttempts(p, key)}
}

func (q *Query) fromTotals(p part, key string) conditions {
	span := int64(hour)
	if p.source == fromDays {
		span = day
	}
	var c conditions
	c.add("x.span = ?", span)
	from, until := p.from, p.until
	if from != ever {
		from /= 1e6
	}
	if until != never {
		until /= 1e6
	}
	c.between("x.start", from, until)
	q.totals(&c, "x", "x")
	// The totals' times are in seconds, the rows' in microseconds.
	key = strings.ReplaceAll(strings.ReplaceAll(key, "x.start", "(x.start * 1000000)"), "a.", "x.")
	return c.query(key, func(m measure) string { return "sum(x." + m.name + ")" }, "rollups x")
}

func (q *Query) fromExchanges(p part, key string) conditions {
	var c conditions
	c.between("x.start", p.from, p.until)
	q.totals(&c, "x", "x")
	q.rows(&c)
	return c.query(strings.ReplaceAll(key, "a.", "x."), func(m measure) string { return "sum(" + m.inRow() + ")" }, "exchanges x")
}

func (q *Query) fromAttempts(p part, key string) conditions {
	var c conditions
	c.between("x.start", p.from, p.until)
	q.totals(&c, "a", "x")
	q.rows(&c)
	return c.query(key, func(m measure) string { return "sum(" + m.attempt + ")" }, "exchanges x JOIN attempts a ON a.exchange = x.seq")
}

// query makes the conditions one: SELECT the key and the measures of a table.
func (c *conditions) query(key string, f func(measure) string, table string) conditions {
	text := "SELECT " + key + " AS k, " + each(", ", func(m measure) string { return f(m) + " AS " + m.name }) +
		" FROM " + table + c.where() + " GROUP BY k"
	return conditions{parts: []string{text}, args: c.args}
}

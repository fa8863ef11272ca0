package usage

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// reckon is what Totals should say, reckoned exchange by exchange.
func reckon(all []Exchange, q Query) (groups map[string]Sums, total Sums) {
	by := map[string]*sums{}
	var sum sums
	add := func(key string, count func(*sums)) {
		if by[key] == nil {
			by[key] = new(sums)
		}
		count(by[key])
		count(&sum)
	}
	for i := range all {
		x := &all[i]
		if x.Start.Before(q.Since) || !q.Until.IsZero() && !x.Start.Before(q.Until) || !q.asked(x) {
			continue
		}
		if q.tried(x.Provider, x.Model, x.Key) {
			add(keyOf(q.By, x, x.Provider, x.Model, x.Key), x.count)
		}
		for n := range x.Attempts {
			if a := &x.Attempts[n]; q.tried(a.Provider, a.Model, a.Key) {
				add(keyOf(q.By, x, a.Provider, a.Model, a.Key), a.count)
			}
		}
	}
	groups = map[string]Sums{}
	for key, s := range by {
		groups[key] = s.public()
	}
	return groups, sum.public()
}

func same(want, got string) bool { return want == "" || want == got }

func (f *Filter) asked(x *Exchange) bool {
	class := same(f.Class, x.Class) || f.Class == ClassFailed && x.Failed()
	id := len(x.ID) >= len(f.ID) && x.ID[:len(f.ID)] == f.ID
	return same(f.Client, x.Client) && same(f.Team, x.Team) && same(f.Alias, x.Alias) && same(f.Session, x.Session) && same(f.Agent, x.Agent) && class && id
}

func (f *Filter) tried(provider, model, key string) bool {
	return same(f.Provider, provider) && same(f.Model, model) && same(f.Key, key)
}

func keyOf(by By, x *Exchange, provider, model, key string) string {
	switch by {
	case ByProvider:
		return provider
	case ByModel:
		return model
	case ByClient:
		return x.Client
	case ByTeam:
		return x.Team
	case ByKey:
		if provider == "" && key == "" {
			return ""
		}
		return provider + "/" + key
	case ByDay:
		return x.Start.UTC().Format("2006-01-02")
	case ByHour:
		return x.Start.UTC().Format("2006-01-02T15:00Z")
	case BySession:
		return x.Session
	}
	return ""
}

var everyBy = []By{ByNothing, ByProvider, ByModel, ByClient, ByTeam, ByKey, ByDay, ByHour, BySession}

// drawTime draws moments that crowd around the borders of hours and days, some
// of them from clocks that were wrong.
func drawTime(t *rapid.T, label string) time.Time {
	if rapid.IntRange(0, 19).Draw(t, label+" odd") == 0 {
		return rapid.SampledFrom([]time.Time{time.Unix(0, 0), time.Unix(0, -1000), time.Unix(-5_000_000, 0), time.Date(2044, 2, 29, 23, 59, 59, 999_999_000, time.UTC)}).Draw(t, label)
	}
	hours := rapid.IntRange(-30, 3).Draw(t, label+" hours")
	micros := rapid.SampledFrom([]int{0, 1, 999_999, 1_000_000, 1_800_000_000, 3_599_999_999}).Draw(t, label+" µs")
	return noon.Add(time.Duration(hours)*time.Hour + time.Duration(micros)*time.Microsecond)
}

func drawExchange(t *rapid.T) Exchange {
	text := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	number := rapid.Int64Range(0, 1_000_000)
	class := func() string { return text("class", "ok", "ok", "ok", "canceled", "rate_limited", "transient") }
	x := Exchange{
		ID: text("id", "req_a1", "req_a2", "req_b1", "req_%", "req__", "req_a1000001", "req_a1000002", "req_b1000001"), Start: drawTime(t, "start"),
		Client: text("client", "", "ann", "bob"), Team: text("team", "", "web"), Alias: text("alias", "coder", "fast", "100%"),
		Session: text("session", "", "s1", "s2"), Agent: text("agent", "", "a"), Provider: text("provider", "", "zai", "cerebras"),
		Model: text("model", "", "glm", "gpt"), Key: text("key", "", "main", "spare"), Class: class(), Reason: "r",
		Input: number.Draw(t, "input"), Output: number.Draw(t, "output"), CacheRead: number.Draw(t, "read"), CacheWrite: number.Draw(t, "write"),
		Reasoning: number.Draw(t, "reasoning"), Estimated: rapid.Bool().Draw(t, "estimated"), Cost: number.Draw(t, "cost"),
		BytesIn: number.Draw(t, "in"), BytesOut: number.Draw(t, "out"),
		TTFT: time.Duration(rapid.Int64Range(0, 3).Draw(t, "ttft")) * time.Microsecond, Duration: time.Duration(number.Draw(t, "duration")) * time.Microsecond,
	}
	if rapid.Bool().Draw(t, "answered at once") {
		x.Attempts = []Attempt{{Provider: x.Provider, Model: x.Model, Key: x.Key, Class: x.Class, Reason: x.Reason}}
		return x
	}
	for range rapid.IntRange(0, 3).Draw(t, "attempts") {
		x.Attempts = append(x.Attempts, Attempt{Provider: text("provider", "zai", "cerebras"), Model: text("model", "glm", "gpt"), Key: text("key", "main", "spare"), Class: class()})
	}
	return x
}

func drawQuery(t *rapid.T) Query {
	q := Query{By: rapid.SampledFrom(everyBy).Draw(t, "by")}
	maybe := func(label string, of ...string) string {
		if rapid.IntRange(0, 3).Draw(t, "filter "+label) > 0 {
			return ""
		}
		return rapid.SampledFrom(of).Draw(t, label)
	}
	q.Provider, q.Model, q.Key = maybe("provider", "zai", "nobody"), maybe("model", "glm"), maybe("key", "main")
	q.Client, q.Team = maybe("client", "ann"), maybe("team", "web")
	if rapid.IntRange(0, 2).Draw(t, "rows") == 0 {
		q.Alias, q.Session, q.Agent = maybe("alias", "coder", "100%"), maybe("session", "s1"), maybe("agent", "a")
		q.Class, q.ID = maybe("class", "failed", "canceled"), maybe("id", "req_a", "req_%", "req__", "req_a100", "req_a1000002", "req_nothing")
	}
	if rapid.Bool().Draw(t, "bounded") {
		q.Since = drawTime(t, "since")
	}
	if rapid.Bool().Draw(t, "ended") {
		q.Until = drawTime(t, "until")
	}
	return q
}

func compare(t rapid.TB, all []Exchange, q Query, got Totals) {
	groups, total := reckon(all, q)
	if d := cmp.Diff(total, got.Total); d != "" {
		t.Fatalf("%+v: total (-want +got)\n%s", q, d)
	}
	if q.By == ByNothing {
		return
	}
	found := map[string]Sums{}
	for _, g := range got.Groups {
		found[g.Key] = g.Sums
	}
	if d := cmp.Diff(groups, found); d != "" || len(found) != len(got.Groups) {
		t.Fatalf("%+v: groups (-want +got)\n%s", q, d)
	}
}

func TestTotals_EqualTheSumOfTheExchangesForEveryQuery(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		o := quiet(filepath.Join(dir, fmt.Sprint(n)))
		o.pragma = "synchronous(off)"
		l, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close(context.Background())
		all := rapid.SliceOfN(rapid.Custom(drawExchange), 1, 25).Draw(t, "exchanges")
		for i, x := range all {
			l.Record(x)
			if i == len(all)/2 {
				_ = l.Flush(context.Background())
			}
		}
		_ = l.Flush(context.Background())
		r, err := l.Reader(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for range 6 {
			q := drawQuery(t)
			got, err := r.Totals(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, all, q, got)
		}
	})
}

func TestTotals_FiftyThousandRequestsAddUpExactly(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	const n = 50_000 / slow
	all := samples(n, noon.Add(-40*time.Hour), 2*slow*time.Second)
	for batch := range slices.Chunk(all, 5000) {
		record(t, l, batch...)
	}
	r := readerOf(t, l)
	for _, by := range everyBy {
		q := Query{By: by, Limit: 10_000}
		compare(t, all, q, totals(t, r, q))
	}
	edges := Query{By: ByModel, Filter: Filter{Since: noon.Add(-39*time.Hour - 17*time.Minute), Until: noon.Add(-13*time.Hour + 41*time.Second)}}
	compare(t, all, edges, totals(t, r, edges))
	if h := l.Health(); h.Rows != n || h.Written != n || h.Dropped != 0 {
		t.Errorf("%+v, want %d rows and none dropped", h, n)
	}
}

func TestRollups_ThatAreRebuiltFromRowsEqualThoseKeptWithThem(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	all := samples(3000/slow, noon.Add(-20*time.Hour), 30*slow*time.Second)
	for i, odd := range []time.Time{time.Unix(0, 0), time.Unix(-1, 5000), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		all[i].Start = odd
	}
	record(t, l, all...)
	err := l.keeper.ask(t.Context(), func() error {
		return l.keeper.db.exec("ALTER TABLE rollups RENAME TO kept; " + ledgerRollups(measure.inRow))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"kept", "rollups"}, {"rollups", "kept"}} {
		n, err := l.keeper.db.number("SELECT count(*) FROM (SELECT * FROM " + pair[0] + " EXCEPT SELECT * FROM " + pair[1] + ")")
		if err != nil || n != 0 {
			t.Errorf("%d rows of %s are not in %s (%v)", n, pair[0], pair[1], err)
		}
	}
}

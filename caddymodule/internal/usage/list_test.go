package usage

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func ids(all []Exchange) []string {
	var out []string
	for i := range all {
		out = append(out, all[i].ID)
	}
	return out
}

func TestExchanges_FiltersChooseExactly(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	all := samples(300, noon, time.Second)
	for i, odd := range []string{"100%", "a_b", "a'b; DROP TABLE exchanges", `a"b`, "a\\b"} {
		all[i].Alias, all[i].ID, all[i].Client = odd, odd+"-id", odd
	}
	record(t, l, all...)
	newest := slices.Clone(all)
	slices.Reverse(newest)
	for name, f := range map[string]Filter{
		"everything":         {},
		"provider":           {Provider: "zai"},
		"model":              {Model: "glm-5.2"},
		"client and key":     {Client: "ann", Key: "main"},
		"team":               {Team: "web"},
		"session":            {Session: all[100].Session},
		"agent":              {Agent: "agent-1"},
		"class":              {Class: "overloaded"},
		"failed":             {Class: ClassFailed},
		"time":               {Since: noon.Add(10 * time.Second), Until: noon.Add(20 * time.Second)},
		"id prefix":          {ID: "req_00000000000000000000001"},
		"per cent is itself": {ID: "100%"},
		"underscore too":     {Alias: "a_b"},
		"quotes too":         {Client: "a'b; DROP TABLE exchanges"},
		"backslash too":      {ID: "a\\b"},
		"a wildcard":         {ID: "%"},
		"nobody":             {Client: "nobody"},
		"no prefix of text":  {Alias: "cod"},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for i := range newest {
				x := &newest[i]
				q := Query{Filter: f}
				if q.asked(x) && q.tried(x.Provider, x.Model, x.Key) && !x.Start.Before(f.Since) && (f.Until.IsZero() || x.Start.Before(f.Until)) {
					want = append(want, x.ID)
				}
			}
			page, err := readerOf(t, l).Exchanges(t.Context(), f, 1000, "")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, ids(page.Exchanges)); d != "" || page.Next != "" {
				t.Errorf("next %q (-want +got)\n%s", page.Next, d)
			}
		})
	}
}

func TestExchanges_PagesShowEachRowOnceWhileRowsComeIn(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	all := samples(100, noon, 0) // all at one moment: the row's number decides
	record(t, l, all...)
	r := readerOf(t, l)
	var got []string
	for cursor, pages := "", 0; ; pages++ {
		page, err := r.Exchanges(t.Context(), Filter{}, 7, cursor)
		if err != nil || pages > 20 {
			t.Fatal(err, pages)
		}
		got = append(got, ids(page.Exchanges)...)
		record(t, l, sample(1000+pages, noon.Add(time.Hour)))
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	want := ids(all)
	slices.Reverse(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, bad := range []string{"x", ".", "1.", "1.!", strings.Repeat("9", 100) + ".1"} {
		if _, err := r.Exchanges(t.Context(), Filter{}, 7, bad); err == nil {
			t.Errorf("the cursor %q was taken", bad)
		}
	}
}

func TestLedger_KeepsHostileFiguresWithinBounds(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	x := sample(1, noon)
	x.Input, x.Output, x.Cost, x.Duration = math.MaxInt64, -5, math.MaxInt64, math.MaxInt64
	x.Alias, x.Model, x.Session = strings.Repeat("é", 5000), "a\xff\x00b", strings.Repeat("s", 5000)
	var all []Exchange
	for range 50 {
		all = append(all, x)
	}
	record(t, l, all...)
	r := readerOf(t, l)
	total := totals(t, r, Query{By: BySession}).Total
	if total.Input != 50*most || total.Output != 0 || total.Cost != 50*most {
		t.Errorf("%+v, want the bounds' sums", total)
	}
	got, err := r.Exchange(t.Context(), x.ID)
	if err != nil || len(got.Alias) != longName || len(got.Session) != longID || got.Model != "a\uFFFDb" {
		t.Errorf("alias of %d bytes, session of %d, model %q (%v)", len(got.Alias), len(got.Session), got.Model, err)
	}
}

func TestSessions_AreTreesWithTheCostOfEachAgent(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	all := samples(100, noon, time.Minute) // 20 to a session
	record(t, l, all...)
	r := readerOf(t, l)
	sessions, err := r.Sessions(t.Context(), noon.Add(45*time.Minute), 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(sessions) != 3 || sessions[0].ID != all[99].Session || sessions[2].ID != all[45].Session {
		t.Fatalf("%d sessions: %+v", len(sessions), sessions)
	}
	for _, s := range sessions {
		one, err := r.Session(t.Context(), s.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, total := reckon(all, Query{Filter: Filter{Session: s.ID}})
		if d := cmp.Diff(total, s.Sums) + cmp.Diff(total, one.Sums); d != "" {
			t.Errorf("%s (-want +got)\n%s", s.ID, d)
		}
		n, cost := 0, int64(0)
		for i, a := range one.Agents {
			n, cost = n+len(a.Exchanges), cost+a.Cost
			var sum int64
			for _, x := range a.Exchanges {
				if x.Agent != a.ID || x.Session != s.ID {
					t.Errorf("%s of %s stands under %s of %s", x.Agent, x.Session, a.ID, s.ID)
				}
				sum += x.Cost
			}
			if sum != a.Cost || int64(len(a.Exchanges)) != a.Requests || i > 0 && one.Agents[i-1].Cost < a.Cost {
				t.Errorf("agent %q: %d requests of %d, cost %d of %d", a.ID, len(a.Exchanges), a.Requests, sum, a.Cost)
			}
		}
		if n != 20 || cost != total.Cost {
			t.Errorf("%s: %d requests for %d, want 20 for %d", s.ID, n, cost, total.Cost)
		}
	}
	if _, err := r.Session(t.Context(), "none", 0); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown session: %v", err)
	}
}

func TestParseBy_SaysWhatCanBeChosen(t *testing.T) {
	for _, by := range everyBy {
		if got, err := ParseBy(string(by)); got != by || err != nil {
			t.Errorf("%q: %q, %v", by, got, err)
		}
	}
	if _, err := ParseBy("colour"); err == nil || !strings.Contains(err.Error(), "provider, model") {
		t.Errorf("%v", err)
	}
}

func FuzzExchanges_AnyCursorAndPrefixIsAnswered(f *testing.F) {
	l := open(f, quiet(tempPath(f)))
	record(f, l, samples(20, noon, time.Second)...)
	r := readerOf(f, l)
	f.Add("", "req_")
	f.Add(position{noon.UnixMicro(), 5}.String(), "%")
	f.Add("-1.-1", "\xff\xff")
	f.Fuzz(func(t *testing.T, cursor, prefix string) {
		page, err := r.Exchanges(t.Context(), Filter{ID: prefix}, 5, cursor)
		if err == nil && !slices.IsSortedFunc(page.Exchanges, func(a, b Exchange) int { return b.Start.Compare(a.Start) }) {
			t.Errorf("not the newest first: %v", ids(page.Exchanges))
		}
		for _, x := range page.Exchanges {
			if !strings.HasPrefix(x.ID, prefix) {
				t.Errorf("%q does not begin with %q", x.ID, prefix)
			}
		}
	})
}

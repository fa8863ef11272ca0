package client

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestAccounts_FiguresSurviveARestart(t *testing.T) {
	key := Limits{RequestsPerMinute: 4, TokensPerMinute: 600, DailyMicroUSD: 100, MonthlyMicroUSD: 300}
	before := new(Accounts)
	c := limitedIn(t, before, key, Limits{DailyMicroUSD: 500})
	reserve(t, c, Ask{Tokens: 400, Cost: 50, Now: morning}).Settle(300, 30, morning)
	reserve(t, c, Ask{Tokens: 100, Cost: 20, Now: morning}) // under way when the process dies
	saved := before.Export(morning)

	for name, tc := range map[string]struct {
		after       time.Duration
		today, moon int64
		tokens      int64 // remaining after one more reservation of one
	}{
		"at once":       {0, 50, 50, 199},
		"after seconds": {10 * time.Second, 50, 50, 299},
		"after minutes": {5 * time.Minute, 50, 50, 599},
		"after a day":   {day, 0, 50, 599},
		"after weeks":   {20 * day, 0, 0, 599},
		"an hour back":  {-time.Hour, 50, 50, 199},
		"in 1970":       {-morning.Sub(time.Unix(0, 0)), 50, 50, 199},
	} {
		after, now := new(Accounts), morning.Add(tc.after)
		if err := after.Import(now, saved); err != nil {
			t.Fatal(err)
		}
		if err := after.Import(now, saved); err != nil { // adds nothing
			t.Fatal(err)
		}
		c := limitedIn(t, after, key, Limits{DailyMicroUSD: 500})
		want := Usage{Streams: 0, TodayMicroUSD: tc.today, MonthMicroUSD: tc.moon}
		if u, team := c.Usage(now), c.TeamUsage(now); u != want || team != want {
			t.Errorf("%s: got %+v and %+v, want %+v", name, u, team, want)
		}
		if r := reserve(t, c, Ask{Tokens: 1, Now: now}); r.Figures.Tokens.Remaining != tc.tokens {
			t.Errorf("%s: %d tokens remain, want %d", name, r.Figures.Tokens.Remaining, tc.tokens)
		}
	}
}

func TestAccounts_ImportAddsToWhatWasUsedMeanwhile(t *testing.T) {
	saved := json.RawMessage(`{"at":1,"accounts":{"key:config/ci":{"day":20777,"today":30,"month":24322,"this_month":40}}}`)
	a := new(Accounts)
	c := limitedIn(t, a, Limits{DailyMicroUSD: 100}, Limits{})
	reserve(t, c, Ask{Cost: 20, Now: morning}).Settle(0, 3, morning)
	under := reserve(t, c, Ask{Cost: 20, Now: morning})
	if err := a.Import(morning, saved); err != nil {
		t.Fatal(err)
	}
	under.Settle(0, 5, morning)
	if u := c.Usage(morning); u != (Usage{Streams: 0, TodayMicroUSD: 38, MonthMicroUSD: 48}) {
		t.Errorf("got %+v", u)
	}
}

func TestAccounts_ImportOfADayThatIsOverChangesNothing(t *testing.T) {
	saved := json.RawMessage(`{"at":1,"accounts":{"key:config/ci":{"day":20776,"today":30,"month":24321,"this_month":40}}}`)
	a := new(Accounts)
	c := limitedIn(t, a, Limits{DailyMicroUSD: 100}, Limits{})
	reserve(t, c, Ask{Cost: 20, Now: morning}).Settle(0, 3, morning)
	if err := a.Import(morning, saved); err != nil {
		t.Fatal(err)
	}
	if u := c.Usage(morning); u != (Usage{Streams: 0, TodayMicroUSD: 3, MonthMicroUSD: 3}) {
		t.Errorf("got %+v", u)
	}
}

func TestAccounts_NothingToExport(t *testing.T) {
	a := new(Accounts)
	c := limitedIn(t, a, Limits{}, Limits{})
	reserve(t, c, Ask{Now: morning}).Settle(0, 0, morning)
	if got := a.Export(morning); got != nil {
		t.Errorf("got %s", got)
	}
}

func TestAccounts_ImportRefusesFiguresThatCannotBe(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":       `{`,
		"a list":         `[]`,
		"negative spend": `{"accounts":{"key:a":{"day":1,"today":-1}}}`,
		"negative month": `{"accounts":{"key:a":{"month":-1}}}`,
		"negative level": `{"accounts":{"key:a":{"tokens":-0.5}}}`,
		"overflow":       `{"accounts":{"key:a":{"today":9223372036854775808}}}`,
		"a huge level":   `{"accounts":{"key:a":{"tokens":1e300}}}`,
		"a far day":      `{"accounts":{"key:a":{"day":99999999999}}}`,
		"a long id":      `{"accounts":{"` + strings.Repeat("a", 300) + `":{}}}`,
		"second is bad":  `{"accounts":{"key:a":{"day":20777,"today":50},"key:b":{"today":-1}}}`,
	} {
		a := new(Accounts)
		if err := a.Import(morning, json.RawMessage(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
		if len(a.byID) != 0 {
			t.Errorf("%s: left %v", name, a.byID)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(`{"at":1,"accounts":{"key:a":{"day":20777,"today":30,"month":24322,"this_month":40,"tokens":3.5}}}`))
	f.Add([]byte(`{"at":-9223372036854775808,"accounts":{"key:a":{"requests":1e18,"today":9223372036854775807}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a := new(Accounts)
		if a.Import(morning, data) != nil {
			return
		}
		for _, acc := range a.byID {
			if u := acc.usage(morning); u.TodayMicroUSD < 0 || u.MonthMicroUSD < 0 {
				t.Fatalf("%+v", u)
			}
			l := Limits{RequestsPerMinute: 60, TokensPerMinute: 60}
			if d := acc.try(&Ask{Now: morning}, &l, OfKey); d != nil && d.Reset < 0 {
				t.Fatalf("%+v", d)
			}
		}
		if out := a.Export(morning); out != nil {
			if err := new(Accounts).Import(morning, out); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRegistry_RaiseNeverLowersAndKnowsNothingOfOtherPeriods(t *testing.T) {
	r := newRegistry(t, Options{
		Static: []Static{{Record: Record{Name: "ci", Team: "tools", Limits: Limits{DailyMicroUSD: 100}}, Token: TokenOf(staticToken(1))}},
		Teams:  []Team{{"tools", Limits{MonthlyMicroUSD: 1000}}},
	})
	c := r.Clients()[0]
	reserve(t, c, Ask{Cost: 20, Now: morning}).Settle(0, 5, morning)
	under := reserve(t, c, Ask{Cost: 20, Now: morning})
	for _, step := range []struct {
		to, want Spending
	}{
		{Spending{30, 400}, Spending{30, 400}}, {Spending{10, 500}, Spending{30, 500}}, {Spending{}, Spending{30, 500}},
	} {
		r.Raise(c, step.to, morning)
		r.RaiseTeam("tools", step.to, morning)
		for _, u := range []Usage{c.Usage(morning), c.TeamUsage(morning)} {
			if got := (Spending{u.TodayMicroUSD, u.MonthMicroUSD}); got != step.want {
				t.Errorf("raised to %v: %v, want %v", step.to, got, step.want)
			}
		}
	}
	under.Settle(0, 7, morning)
	if u := c.Usage(morning); u.TodayMicroUSD != 37 || u.MonthMicroUSD != 507 {
		t.Errorf("after what was under way: %+v", u)
	}
	r.Raise(c, Spending{99, 999}, morning.Add(-40*day)) // the clock was set back
	if u := c.Usage(morning); u.TodayMicroUSD != 37 || u.MonthMicroUSD != 507 {
		t.Errorf("of a month that is over: %+v", u)
	}
}

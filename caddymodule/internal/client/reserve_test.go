package client

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestReserve_NamesTheLimitAndWhose(t *testing.T) {
	for name, tc := range map[string]struct {
		key, team Limits
		before    []Ask // reserved and not settled
		ask       Ask
		want      Denial
	}{
		"requests": {Limits{RequestsPerMinute: 2}, Limits{}, []Ask{{}, {}}, Ask{},
			Denial{KindRequests, OfKey, 2, 0, 30 * time.Second}},
		"requests beyond the burst": {Limits{RequestsPerMinute: 60, RequestBurst: 1}, Limits{}, []Ask{{}}, Ask{},
			Denial{KindRequests, OfKey, 60, 0, time.Second}},
		"tokens": {Limits{TokensPerMinute: 600}, Limits{}, []Ask{{Tokens: 500}}, Ask{Tokens: 101},
			Denial{KindTokens, OfKey, 600, 100, 100 * time.Millisecond}},
		"streams": {Limits{MaxStreams: 1}, Limits{}, []Ask{{}}, Ask{},
			Denial{KindStreams, OfKey, 1, 0, time.Second}},
		"day, too dear": {Limits{DailyMicroUSD: 100}, Limits{}, nil, Ask{Cost: 101},
			Denial{KindDailySpend, OfKey, 100, 100, 14 * time.Hour}},
		"day, all reserved": {Limits{DailyMicroUSD: 100}, Limits{}, []Ask{{Cost: 60}}, Ask{Cost: 41},
			Denial{KindDailySpend, OfKey, 100, 40, time.Second}},
		"month": {Limits{MonthlyMicroUSD: 100}, Limits{}, nil, Ask{Cost: 101},
			Denial{KindMonthlySpend, OfKey, 100, 100, 10*24*time.Hour + 14*time.Hour}},
		"team": {Limits{DailyMicroUSD: 1000}, Limits{DailyMicroUSD: 50}, nil, Ask{Cost: 51},
			Denial{KindDailySpend, OfTeam, 50, 50, 14 * time.Hour}},
		"the longest wait": {Limits{RequestsPerMinute: 1, DailyMicroUSD: 10}, Limits{MaxStreams: 1}, []Ask{{}}, Ask{Cost: 11},
			Denial{KindDailySpend, OfKey, 10, 10, 14 * time.Hour}},
		"negative cost":   {Limits{}, Limits{}, nil, Ask{Cost: -1}, Denial{Kind: KindInvalid, Scope: OfKey}},
		"negative tokens": {Limits{}, Limits{}, nil, Ask{Tokens: -1}, Denial{Kind: KindInvalid, Scope: OfKey}},
		"overflow": {Limits{DailyMicroUSD: 100}, Limits{}, []Ask{{Cost: 1}}, Ask{Cost: math.MaxInt64},
			Denial{KindDailySpend, OfKey, 100, 99, 14 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			c := limited(t, tc.key, tc.team)
			for _, a := range tc.before {
				a.Now = morning
				reserve(t, c, a)
			}
			tc.ask.Now = morning
			got := denied(t, c, tc.ask)
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Error(diff)
			}
			if got.Error() == "" {
				t.Error("says nothing")
			}
		})
	}
}

func TestReserve_ADenialTakesNothing(t *testing.T) {
	c := limited(t, Limits{RequestsPerMinute: 10, TokensPerMinute: 100, MaxStreams: 10, DailyMicroUSD: 100}, Limits{MonthlyMicroUSD: 10})
	for range 50 {
		denied(t, c, Ask{Tokens: 50, Cost: 11, Now: morning})
	}
	r := reserve(t, c, Ask{Tokens: 100, Cost: 10, Now: morning})
	want := Figures{
		Requests: Figure{10, 9, 6 * time.Second}, Tokens: Figure{100, 0, time.Minute},
		Daily: Figure{100, 90, 14 * time.Hour}, Monthly: Figure{10, 0, 10*24*time.Hour + 14*time.Hour},
	}
	if diff := cmp.Diff(want, r.Figures); diff != "" {
		t.Error(diff)
	}
}

// Whoever asks for far more than the limit, as with a huge max_tokens, is let
// in by an empty meter; what the exchange did use counts all the same.
func TestSettle_AHugeAskIsNoWayAroundTheLimit(t *testing.T) {
	for name, ask := range map[string]int64{"modest": 5_000, "burst": 10_000, "over the hour": 700_000, "huge": 10_000_000, "overflowing": math.MaxInt64} {
		t.Run(name, func(t *testing.T) {
			c := limited(t, Limits{TokensPerMinute: 10_000}, Limits{TokensPerMinute: 20_000})
			used, now := 0, morning
			for now.Before(morning.Add(2 * time.Minute)) {
				r, d := c.Reserve(Ask{Tokens: ask, Now: now})
				now = now.Add(time.Second)
				if d == nil {
					r.Settle(8_000, 0, now)
					used += 8_000
				}
			}
			// The burst, two minutes, and the last exchange, which no ask foretold.
			if most := 10_000 + 2*10_000 + 8_000; used > most {
				t.Errorf("%d tokens in two minutes, want at most %d", used, most)
			}
			if used < 16_000 {
				t.Errorf("%d tokens in two minutes: locked out", used)
			}
		})
	}
}

func TestSettle_WhatWasUsedStaysBesideAHugeAsk(t *testing.T) {
	c := limited(t, Limits{TokensPerMinute: 1000}, Limits{})
	reserve(t, c, Ask{Tokens: 1_000_000_000, Now: morning}).Settle(700, 0, morning)
	want := Figure{1000, 200, 48 * time.Second}
	if diff := cmp.Diff(want, reserve(t, c, Ask{Tokens: 100, Now: morning}).Figures.Tokens); diff != "" {
		t.Error(diff)
	}
}

func TestUsage_SaysThatALimitRefusedSomething(t *testing.T) {
	c := limited(t, Limits{DailyMicroUSD: 100}, Limits{})
	r := reserve(t, c, Ask{Cost: 60, Now: morning})
	denied(t, c, Ask{Cost: 60, Now: morning})
	if u := c.Usage(morning); u.TodayRefused {
		t.Error("what is under way may cost nothing yet: there is room for one of the two")
	}
	r.Settle(0, 60, morning)
	denied(t, c, Ask{Cost: 41, Now: morning})
	if u := c.Usage(morning); !u.TodayRefused || u.MonthRefused {
		t.Errorf("%+v", u)
	}
	if u := c.Usage(morning.Add(24 * time.Hour)); u.TodayRefused {
		t.Error("a new day, and still refused")
	}
}

func TestReserve_AfterTheResetItFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{
			RequestsPerMinute: rapid.Int64Range(1, 100_000).Draw(t, "requests"),
			TokensPerMinute:   rapid.Int64Range(1, 1_000_000_000).Draw(t, "tokens"),
		}
		l.RequestBurst = rapid.Int64Range(1, l.RequestsPerMinute).Draw(t, "burst")
		a, now := new(account), morning
		tokens := rapid.Int64Range(0, 2*l.TokensPerMinute)
		for range 20 {
			ask := Ask{Tokens: tokens.Draw(t, "ask"), Now: now}
			if d := a.try(&ask, &l, OfKey); d != nil {
				ask.Now = now.Add(d.Reset - time.Millisecond)
				if d.Reset > time.Millisecond && a.try(&ask, &l, OfKey) == nil {
					t.Fatalf("fits a millisecond before %v", d.Reset)
				}
				now = now.Add(d.Reset)
				ask.Now = now
				if d := a.try(&ask, &l, OfKey); d != nil {
					t.Fatalf("does not fit after its reset: %+v", d)
				}
			}
			a.take(&ask, &l)
		}
	})
}

func TestReserve_RateHoldsOverTime(t *testing.T) {
	l := Limits{RequestsPerMinute: 60, RequestBurst: 5}
	a, admitted := new(account), 0
	for ms := range 600_000 / 50 { // ten minutes, twenty asks a second
		ask := Ask{Now: morning.Add(time.Duration(ms) * 50 * time.Millisecond)}
		if a.try(&ask, &l, OfKey) == nil {
			a.take(&ask, &l)
			admitted++
		}
	}
	if admitted < 600 || admitted > 605 {
		t.Errorf("%d in ten minutes, at 60 a minute and a burst of 5", admitted)
	}
}

func TestReserve_MoreTokensThanTheBurstPassAloneAndAreOwed(t *testing.T) {
	c := limited(t, Limits{TokensPerMinute: 1000}, Limits{})
	r := reserve(t, c, Ask{Tokens: 3000, Now: morning})
	if d := denied(t, c, Ask{Tokens: 1, Now: morning}); d.Reset < 2*time.Minute {
		t.Errorf("owed for %v", d.Reset)
	}
	r.Settle(400, 0, morning)
	reserve(t, c, Ask{Tokens: 600, Now: morning})
	denied(t, c, Ask{Tokens: 2000, Now: morning})

	c = limited(t, Limits{TokensPerMinute: 1000}, Limits{})
	reserve(t, c, Ask{Tokens: math.MaxInt64, Now: morning})
	if d := denied(t, c, Ask{Tokens: 1, Now: morning}); d.Reset > maxDebt+time.Minute {
		t.Errorf("a figure gone wrong locks out for %v", d.Reset)
	}
}

func TestSettle_CountsOnceAndReturnsWhatWasNotUsed(t *testing.T) {
	c := limited(t, Limits{TokensPerMinute: 1000, MaxStreams: 1, DailyMicroUSD: 100}, Limits{MonthlyMicroUSD: 200})
	r := reserve(t, c, Ask{Tokens: 1000, Cost: 100, Now: morning})
	for range 3 {
		r.Settle(10, 7, morning)
	}
	want := Usage{Streams: 0, TodayMicroUSD: 7, MonthMicroUSD: 7}
	if diff := cmp.Diff([]Usage{want, want}, []Usage{c.Usage(morning), c.TeamUsage(morning)}); diff != "" {
		t.Error(diff)
	}
	again := reserve(t, c, Ask{Tokens: 990, Cost: 93, Now: morning})
	again.Settle(0, 0, morning)
	if u := c.Usage(morning); u != want {
		t.Errorf("nothing used, yet %+v", u)
	}
	(*Reservation)(nil).Settle(1, 1, morning)
}

func TestSettle_FiguresThatCannotBeRight(t *testing.T) {
	c := limited(t, Limits{DailyMicroUSD: 100}, Limits{})
	reserve(t, c, Ask{Cost: 60, Now: morning}).Settle(-5, -1_000_000, morning)
	if u := c.Usage(morning); u.TodayMicroUSD != 60 {
		t.Errorf("a negative cost left %+v", u)
	}
	reserve(t, c, Ask{Cost: 1, Now: morning}).Settle(math.MaxInt64, math.MaxInt64, morning)
	if u := c.Usage(morning); u.TodayMicroUSD != math.MaxInt64 || u.MonthMicroUSD != math.MaxInt64 {
		t.Errorf("an absurd cost left %+v", u)
	}
	if d := denied(t, c, Ask{Now: morning}); d.Kind != KindDailySpend || d.Remaining != 0 {
		t.Errorf("after it: %+v", d)
	}
}

func TestSettle_MoreThanWasAskedForIsCountedAndStopsTheNext(t *testing.T) {
	c := limited(t, Limits{DailyMicroUSD: 100}, Limits{})
	reserve(t, c, Ask{Cost: 90, Now: morning}).Settle(0, 120, morning)
	if d := denied(t, c, Ask{Now: morning}); d.Kind != KindDailySpend || d.Reset != 14*time.Hour {
		t.Errorf("got %+v", d)
	}
}

func TestSettle_AfterMidnightBelongsToTheDayItBegan(t *testing.T) {
	c := limited(t, Limits{DailyMicroUSD: 100}, Limits{})
	late := time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)
	r := reserve(t, c, Ask{Cost: 80, Now: late})
	next := late.Add(2 * time.Minute)
	whole := reserve(t, c, Ask{Cost: 100, Now: next})
	r.Settle(0, 70, next)
	if u := c.Usage(next); u != (Usage{Streams: 1, TodayMicroUSD: 0, MonthMicroUSD: 0}) {
		t.Errorf("the new day and month have %+v", u)
	}
	whole.Settle(0, 30, next)
	if u := c.Usage(next); u != (Usage{Streams: 0, TodayMicroUSD: 30, MonthMicroUSD: 30}) {
		t.Errorf("then %+v", u)
	}
}

func TestReserve_FiguresAreThoseOfWhichLessRemains(t *testing.T) {
	tight := Limits{RequestsPerMinute: 5, TokensPerMinute: 50, DailyMicroUSD: 500, MonthlyMicroUSD: 5000}
	loose := Limits{RequestsPerMinute: 6, TokensPerMinute: 60, DailyMicroUSD: 600, MonthlyMicroUSD: 6000}
	for name, c := range map[string]*Client{"the key's": limited(t, tight, loose), "the team's": limited(t, loose, tight)} {
		f := reserve(t, c, Ask{Tokens: 10, Cost: 100, Now: morning}).Figures
		got := [...]int64{f.Requests.Remaining, f.Tokens.Remaining, f.Daily.Remaining, f.Monthly.Remaining, f.Requests.Limit, f.Daily.Limit}
		if want := [...]int64{4, 40, 400, 4900, 5, 500}; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// TestReserve_AgreesWithAModel reserves and settles in any order, and compares
// what is allowed with plain arithmetic.
func TestReserve_AgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keyCap, teamCap := rapid.Int64Range(1, 100).Draw(t, "key"), rapid.Int64Range(1, 150).Draw(t, "team")
		accounts, teams := new(Accounts), map[string]Limits{"t": {MonthlyMicroUSD: teamCap}}
		var clients [2]*Client
		for i := range clients {
			clients[i] = newClient(Record{ID: string(rune('a' + i)), Team: "t", Limits: Limits{DailyMicroUSD: keyCap, MaxStreams: 3}}, FromStore, accounts, teams)
		}
		type open struct {
			*Reservation
			of   int
			cost int64
		}
		var (
			under        []open
			used, spent  [2]int64 // with what is reserved, and without
			streams      [2]int64
			all, settled int64
		)
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				i, cost := rapid.IntRange(0, 1).Draw(t, "client"), rapid.Int64Range(0, 40).Draw(t, "cost")
				r, d := clients[i].Reserve(Ask{Cost: cost, Now: morning})
				fits := streams[i] < 3 && used[i]+cost <= keyCap && spent[i] < keyCap && all+cost <= teamCap && settled < teamCap
				if (r != nil) != fits {
					t.Fatalf("reserving %d: %+v, want %v", cost, d, fits)
				}
				if fits {
					under = append(under, open{r, i, cost})
					used[i], all, streams[i] = used[i]+cost, all+cost, streams[i]+1
				}
			},
			"settle": func(t *rapid.T) {
				if len(under) == 0 {
					t.Skip()
				}
				n := rapid.IntRange(0, len(under)-1).Draw(t, "which")
				o := under[n]
				under = append(under[:n], under[n+1:]...)
				cost := rapid.Int64Range(0, o.cost).Draw(t, "cost")
				o.Settle(0, cost, morning)
				i := o.of
				used[i], all, streams[i] = used[i]-o.cost+cost, all-o.cost+cost, streams[i]-1
				spent[i], settled = spent[i]+cost, settled+cost
			},
			"": func(t *rapid.T) {
				for i, c := range clients {
					if u := c.Usage(morning); u.Streams != streams[i] || u.TodayMicroUSD != spent[i] || u.MonthMicroUSD != spent[i] || u.TodayMicroUSD > keyCap {
						t.Fatalf("client %d: %+v, want %d", i, u, spent[i])
					}
				}
				if settled > teamCap {
					t.Fatalf("the team spent %d of %d", settled, teamCap)
				}
			},
		})
	})
}

// spender is one of many who use the same client at once.
type spender struct {
	asks, costs []int64
}

// TestReserve_NeverOverspends lets many spend at once, from several keys of one
// team, and settle for up to what they asked.
func TestReserve_NeverOverspends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keyCap := rapid.Int64Range(1, 500).Draw(t, "cap of a key")
		teamCap := rapid.Int64Range(1, 1000).Draw(t, "cap of the team")
		streams := rapid.Int64Range(1, 6).Draw(t, "streams")
		accounts, teams := new(Accounts), map[string]Limits{"t": {DailyMicroUSD: teamCap, MonthlyMicroUSD: teamCap}}
		clients := make([]*Client, 3)
		for i := range clients {
			clients[i] = newClient(Record{ID: string(rune('a' + i)), Team: "t", Limits: Limits{DailyMicroUSD: keyCap, MaxStreams: streams}},
				FromStore, accounts, teams)
		}
		var (
			settled [3]atomic.Int64
			under   [3]atomic.Int64
			wg      sync.WaitGroup
		)
		for i := range 12 {
			s := spender{
				asks:  rapid.SliceOfN(rapid.Int64Range(0, 60), 10, 10).Draw(t, "asks"),
				costs: rapid.SliceOfN(rapid.Int64Range(0, 60), 10, 10).Draw(t, "costs"),
			}
			n := i % len(clients)
			wg.Go(func() {
				for j, ask := range s.asks {
					r, d := clients[n].Reserve(Ask{Cost: ask, Now: morning})
					if d != nil {
						continue
					}
					if under[n].Add(1) > streams {
						panic("more under way than allowed")
					}
					cost := min(ask, s.costs[j])
					settled[n].Add(cost)
					under[n].Add(-1)
					r.Settle(0, cost, morning)
					r.Settle(0, 1000, morning)
				}
			})
		}
		wg.Wait()
		sum := int64(0)
		for i, c := range clients {
			got := settled[i].Load()
			sum += got
			if u := c.Usage(morning); got > keyCap || u.Streams != 0 || u.TodayMicroUSD != got || u.MonthMicroUSD != got {
				t.Fatalf("key %d: settled %d of %d, counted %+v", i, got, keyCap, u)
			}
		}
		if u := clients[0].TeamUsage(morning); sum > teamCap || u.Streams != 0 || u.TodayMicroUSD != sum || u.MonthMicroUSD != sum {
			t.Fatalf("team: settled %d of %d, counted %+v", sum, teamCap, u)
		}
	})
}

func BenchmarkReserveSettle(b *testing.B) {
	all := Limits{
		RequestsPerMinute: maxLimit, TokensPerMinute: maxLimit, MaxStreams: maxLimit,
		DailyMicroUSD: maxLimit, MonthlyMicroUSD: maxLimit,
	}
	for name, l := range map[string]Limits{"no limits": {}, "all limits": all} {
		c := limited(b, l, l)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				now := time.Now()
				r, d := c.Reserve(Ask{Tokens: 1000, Cost: 100, Now: now})
				if d != nil {
					b.Fatal(d)
				}
				r.Settle(500, 50, now)
			}
		})
		b.Run(name+", crowded", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				tokens := rand.Int64N(1000)
				for pb.Next() {
					now := time.Now()
					if r, d := c.Reserve(Ask{Tokens: tokens, Cost: 100, Now: now}); d == nil {
						r.Settle(tokens, 50, now)
					}
				}
			})
		})
	}
}

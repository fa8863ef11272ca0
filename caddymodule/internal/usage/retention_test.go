package usage

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const week = 7 * 24 * time.Hour

func TestLedger_RetentionDeletesOldRowsAndKeepsTheirTotals(t *testing.T) {
	c := &clock{at: noon}
	o := quiet(tempPath(t))
	o.Now, o.Retention = c.now, week
	l := open(t, o)
	all := samples(600, noon.Add(-10*24*time.Hour), 20*time.Minute) // until 40 hours ago
	all = append(all, sample(1000, noon))
	record(t, l, all...)
	tidy(t, l)
	r := readerOf(t, l)
	kept := 0
	for _, x := range all {
		if !x.Start.Before(noon.Add(-week)) {
			kept++
		}
	}
	page, err := r.Exchanges(t.Context(), Filter{}, 1000, "")
	if err != nil || len(page.Exchanges) != kept || l.Health().Rows != int64(kept) {
		t.Errorf("%d rows listed, %d counted, want %d (%v)", len(page.Exchanges), l.Health().Rows, kept, err)
	}
	if n, _ := l.keeper.db.number("SELECT count(*) FROM attempts WHERE exchange NOT IN (SELECT seq FROM exchanges)"); n != 0 {
		t.Errorf("%d attempts of deleted exchanges are left", n)
	}
	if n, _ := l.keeper.db.number("SELECT count(*) FROM sessions WHERE id NOT IN (SELECT session FROM exchanges)"); n != 0 {
		t.Errorf("%d sessions without exchanges are left", n)
	}
	for _, by := range []By{ByProvider, ByKey, ByDay, ByHour} {
		compare(t, all, Query{By: by}, totals(t, r, Query{By: by}))
	}
	for _, c := range []struct {
		name                     string
		since, until             time.Duration // before noon
		wantSince, wantUntilOver time.Duration
	}{
		{"rows are there: exact to the microsecond", 6*24*time.Hour + time.Minute, 50*time.Hour - 7*time.Minute, 6*24*time.Hour + time.Minute, 50*time.Hour - 7*time.Minute},
		{"the beginning is gone: its whole hour", 9*24*time.Hour + 10*time.Minute, 50 * time.Hour, 9*24*time.Hour + time.Hour, 50 * time.Hour},
		{"both are gone: whole hours", 9*24*time.Hour - 10*time.Minute, 8*24*time.Hour - 10*time.Minute, 9 * 24 * time.Hour, 8*24*time.Hour - time.Hour},
		{"both in one hour that is gone", 9*24*time.Hour - 10*time.Minute, 9*24*time.Hour - 20*time.Minute, 9 * 24 * time.Hour, 9*24*time.Hour - time.Hour},
	} {
		q := Query{By: ByModel, Filter: Filter{Since: noon.Add(-c.since), Until: noon.Add(-c.until)}}
		got := totals(t, r, q)
		q.Since, q.Until = noon.Add(-c.wantSince), noon.Add(-c.wantUntilOver)
		if d := cmp.Diff([]time.Time{q.Since, q.Until}, []time.Time{got.From, got.Until}); d != "" {
			t.Errorf("%s: covered (-want +got)\n%s", c.name, d)
		}
		compare(t, all, q, got)
	}
	if got := totals(t, r, Query{By: BySession}); got.From.Before(noon.Add(-week - time.Hour)) {
		t.Errorf("by session: from %v, before there are rows", got.From)
	}
}

func TestLedger_HourlyTotalsGoAfterNinetyDaysAndDailyOnesStay(t *testing.T) {
	c := &clock{at: noon}
	o := quiet(tempPath(t))
	o.Now, o.Retention = c.now, week
	l := open(t, o)
	all := samples(500, noon.Add(-100*24*time.Hour), 4*time.Hour)
	all = append(all, sample(1000, noon))
	record(t, l, all...)
	tidy(t, l)
	r := readerOf(t, l)
	border := startOf(noon.Add(-keepHours), day)
	if n, _ := l.keeper.db.number("SELECT count(*) FROM rollups WHERE span = 3600 AND start < ?", border.Unix()); n != 0 {
		t.Errorf("%d old hourly totals are left", n)
	}
	for _, by := range []By{ByProvider, ByDay} {
		compare(t, all, Query{By: by}, totals(t, r, Query{By: by}))
	}
	hours := totals(t, r, Query{By: ByHour})
	if !hours.From.Equal(border) {
		t.Errorf("by hour: from %v, want %v", hours.From, border)
	}
	compare(t, all, Query{By: ByHour, Filter: Filter{Since: border}}, hours)
	q := Query{By: ByModel, Filter: Filter{Since: noon.Add(-95*24*time.Hour + time.Minute), Until: noon.Add(-93 * 24 * time.Hour)}}
	got := totals(t, r, q)
	q.Since, q.Until = startOf(q.Since, day), startOf(q.Until, day).Add(24*time.Hour)
	if !got.From.Equal(q.Since) || !got.Until.Equal(q.Until) {
		t.Errorf("covered %v to %v, want %v to %v", got.From, got.Until, q.Since, q.Until)
	}
	compare(t, all, q, got)
}

func TestLedger_SizeIsBoundedAndTheFileShrinks(t *testing.T) {
	o := quiet(tempPath(t))
	o.MaxSize, o.Queue = 2<<20, 20_000
	l := open(t, o)
	all := samples(20_000, noon.Add(-10*time.Hour), time.Second)
	record(t, l, all[:10_000]...)
	record(t, l, all[10_000:]...)
	before := l.Health().Rows
	for range 10 {
		tidy(t, l)
	}
	h := l.Health()
	if h.Live > o.MaxSize || h.Size > o.MaxSize+1<<20 || h.Rows == 0 || h.Rows >= before {
		t.Errorf("%d bytes live, %d in all, %d rows of %d; want at most %d bytes and some rows", h.Live, h.Size, h.Rows, before, o.MaxSize)
	}
	if n, _ := l.keeper.db.number("SELECT count(*) FROM exchanges"); n != h.Rows {
		t.Errorf("%d rows counted, %d there", h.Rows, n)
	}
	compare(t, all, Query{By: ByHour}, totals(t, readerOf(t, l), Query{By: ByHour}))
	page, err := readerOf(t, l).Exchanges(t.Context(), Filter{}, 1, "")
	if err != nil || page.Exchanges[0].ID != all[len(all)-1].ID {
		t.Errorf("the newest row went: %v (%v)", page.Exchanges, err)
	}
}

func TestLedger_OneRunOfRetentionIsBounded(t *testing.T) {
	c := &clock{at: noon}
	o := quiet(tempPath(t))
	o.Now, o.Retention, o.Queue = c.now, week, 20_000
	l := open(t, o)
	record(t, l, samples(12_000, noon.Add(-10*24*time.Hour), time.Second)...)
	record(t, l, sample(20_000, noon))
	for _, want := range []int64{7001, 2001, 1, 1} {
		if tidy(t, l); l.Health().Rows != want {
			t.Errorf("%d rows left, want %d", l.Health().Rows, want)
		}
	}
}

func TestLedger_ClockThatJumpsDeletesNothing(t *testing.T) {
	rows := func(l *Ledger) int64 { return l.Health().Rows }
	for _, c := range []struct {
		name string
		to   time.Time
	}{
		{"to 1970", time.Unix(12, 0)},
		{"an hour back", noon.Add(-time.Hour)},
		{"a day ahead", noon.Add(24 * time.Hour)},
		{"ten years ahead", noon.AddDate(10, 0, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			clk := &clock{at: noon}
			o := quiet(tempPath(t))
			o.Now, o.Retention = clk.now, week
			l := open(t, o)
			all := samples(50, noon.Add(-time.Hour), time.Minute)
			record(t, l, all...)
			tidy(t, l)
			clk.set(c.to)
			there := sample(100, c.to)
			all = append(all, there)
			record(t, l, there)
			for range 3 {
				tidy(t, l)
				clk.set(clk.now().Add(time.Minute))
			}
			if c.to.Before(noon.AddDate(-1, 0, 0)) {
				clk.set(noon) // and right again
			}
			if got, err := readerOf(t, l).Exchange(t.Context(), there.ID); err != nil || !got.Start.Equal(there.Start) {
				t.Errorf("the row of the wrong clock: %v (%v)", got.Start, err)
			}
			if got := rows(l); got != 51 {
				t.Errorf("%d rows left, want 51", got)
			}
			for _, by := range []By{ByDay, ByModel} {
				compare(t, all, Query{By: by}, totals(t, readerOf(t, l), Query{By: by}))
			}
		})
	}
}

func TestLedger_WhatItKeepsCanBeChangedWhileItIsAtWork(t *testing.T) {
	o := quiet(tempPath(t))
	o.Retention, o.MaxSize = -1, -1
	l := open(t, o)
	record(t, l, samples(1000, noon.Add(-9*24*time.Hour), 10*time.Minute)...) // a week and something, until two days ago
	tidy(t, l)
	if n := l.Health().Rows; n != 1000 {
		t.Fatalf("%d rows of 1000 are kept for good", n)
	}
	l.Configure(week, -1)
	tidy(t, l)
	if n := l.Health().Rows; n != 1000-2*24*6 {
		t.Errorf("%d rows are as young as a week, want %d", n, 1000-2*24*6)
	}
	l.Configure(week, 1)
	tidy(t, l)
	if n := l.Health().Rows; n != 0 {
		t.Errorf("%d rows in a byte", n)
	}
}

func TestTidier_TrustsAClockAgainAfterADay(t *testing.T) {
	late := noon.AddDate(1, 0, 0)
	steps := []struct {
		at   time.Time
		want bool
	}{
		{noon, true}, {noon.Add(time.Minute), true}, {late, false}, {late.Add(time.Minute), false},
		{late.Add(24 * time.Hour), false}, // the machine slept, or it jumped again
	}
	var td, first, forever tidier
	td.allow(week, 0)
	first.allow(week, 0)
	forever.allow(-1, 0)
	for _, s := range steps {
		if _, ok := td.cutoff(s.at, noon.UnixMicro()); ok != s.want {
			t.Errorf("at %v: trusted %v, want %v", s.at, ok, s.want)
		}
	}
	at := late.Add(24 * time.Hour)
	for at.Before(late.Add(48 * time.Hour)) {
		at = at.Add(time.Minute)
		_, ok := td.cutoff(at, noon.UnixMicro())
		if want := !at.Before(late.Add(48 * time.Hour)); ok != want {
			t.Fatalf("at %v: trusted %v, want %v", at, ok, want)
		}
	}
	if _, ok := first.cutoff(late, noon.UnixMicro()); ok {
		t.Error("at a start, a clock by which every row is too old is trusted at once")
	}
	if _, ok := forever.cutoff(late, late.UnixMicro()); ok {
		t.Error("rows to be kept for good have an age limit")
	}
}

func TestRollups_ManyMadeUpModelsAreCountedAsOthers(t *testing.T) {
	o := quiet(tempPath(t))
	o.Queue = 20_000
	l := open(t, o)
	const n = 4000 + 6000/slow
	var all []Exchange
	for i := range n {
		x := sample(1, noon)
		x.Attempts = nil
		x.Model = "made-up-" + time.Duration(i).String()
		all = append(all, x)
	}
	record(t, l, all[:n/2]...)
	record(t, l, all[n/2:]...)
	known := sample(1, noon)
	known.Model, known.Attempts = all[0].Model, nil
	record(t, l, known, known)
	if n, _ := l.keeper.db.number("SELECT count(*) FROM rollups"); n > 2*(manyGroups+1) {
		t.Errorf("%d groups in one hour and its day, want at most %d", n, 2*(manyGroups+1))
	}
	got := totals(t, readerOf(t, l), Query{By: ByModel, Limit: 10_000})
	if want := int64(n + 2); got.Total.Requests != want {
		t.Errorf("%d requests in all, want %d", got.Total.Requests, want)
	}
	by := map[string]int64{}
	for _, g := range got.Groups {
		by[g.Key] = g.Requests
	}
	if rest := int64(n - manyGroups); by[other] != rest && by[other] != rest+2 || len(by) != manyGroups+1 {
		t.Errorf("%d under %s, %d groups", by[other], other, len(by))
	}
}

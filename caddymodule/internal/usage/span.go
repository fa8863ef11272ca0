package usage

import (
	"context"
	"database/sql"
	"time"
)

// part is a stretch of time and where its figures come from, in Unix
// microseconds.
type part struct {
	source      source
	from, until int64
}

type source uint8

const (
	fromRows source = iota
	fromHours
	fromDays
)

// kept says from when on rows and hourly totals are whole, in Unix
// microseconds. 0: from the beginning.
type kept struct{ rows, hours int64 }

func readKept(ctx context.Context, tx *sql.Tx) (k kept, err error) {
	if k.rows, err = number(ctx, tx, "SELECT value FROM meta WHERE name = 'rows_from'"); err != nil {
		return k, err
	}
	k.hours, err = number(ctx, tx, "SELECT value FROM meta WHERE name = 'hours_from'")
	k.hours *= 1e6
	if k.rows == 0 {
		k.rows = ever
	}
	if k.hours == 0 {
		k.hours = ever
	}
	return k, err
}

// cover splits the time from since until until: whole hours are answered from
// hourly totals, what sticks out from rows, and what is older than either from
// daily totals. from and to say what is covered, which is more where only
// coarser figures are left.
func (k kept) cover(since, until int64) (parts []part, from, to int64) {
	from, to = k.widen(since, until)
	add := func(s source, from, until int64) {
		if from < until {
			parts = append(parts, part{s, from, until})
		}
	}
	at := from
	if k.hours > at {
		at = min(to, k.hours)
		add(fromDays, from, at)
	}
	first, last := up(at, hour), down(to, hour)
	if first > last {
		add(fromRows, at, to)
		return parts, from, to
	}
	add(fromRows, at, first)
	add(fromHours, first, last)
	add(fromRows, last, to)
	return parts, from, to
}

// widen moves the bounds outwards to where there are figures: to whole days, to
// whole hours, or not at all.
func (k kept) widen(since, until int64) (from, to int64) {
	switch {
	case since < k.hours:
		from = down(since, day)
	case since < k.rows:
		from = down(since, hour)
	default:
		from = since
	}
	switch {
	case until < k.hours:
		to = up(until, day)
	case down(until, hour) < k.rows:
		to = up(until, hour)
	default:
		to = until
	}
	return from, to
}

// down is the beginning of the bucket a bound falls into, up the first
// beginning at or after it. No bound stays none.
func down(micro, span int64) int64 {
	if micro == ever || micro == never {
		return micro
	}
	return bucketAt(micro, span).start * 1e6
}

func up(micro, span int64) int64 {
	start := down(micro, span)
	if start < micro {
		start += span * 1e6
	}
	return start
}

// moment is a bound as a time: the zero time if there is none.
func moment(micro int64) time.Time {
	if micro == ever || micro == never {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

package usage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrNotFound says that the ledger has no such exchange, or no longer.
var ErrNotFound = errors.New("not found")

// Page is a part of a list, the newest first.
type Page struct {
	Exchanges []Exchange // without their attempts
	// Next, given back as the cursor, asks for the following part. Empty: this is
	// the last.
	Next string
}

// position is where a page begins: behind the row with this start and number.
type position struct{ start, seq int64 }

func (p position) String() string {
	return strconv.FormatInt(p.start, 36) + "." + strconv.FormatInt(p.seq, 36)
}

func parsePosition(cursor string) (p position, err error) {
	start, seq, ok := strings.Cut(cursor, ".")
	if ok {
		p.start, err = strconv.ParseInt(start, 36, 64)
	}
	if ok && err == nil {
		p.seq, err = strconv.ParseInt(seq, 36, 64)
	}
	if !ok || err != nil {
		return position{}, fmt.Errorf("the cursor %q is not one a page gave", short(cursor, 40))
	}
	return p, nil
}

// columns are what a row is read from.
const columns = `x.seq, x.id, x.start, (SELECT text FROM names WHERE id = x.client), (SELECT text FROM names WHERE id = x.team),
	(SELECT text FROM names WHERE id = x.dialect), (SELECT text FROM names WHERE id = x.call), x.alias, x.stream,
	coalesce((SELECT text FROM sessions WHERE id = x.session), ''), coalesce(x.agent, ''),
	(SELECT text FROM names WHERE id = x.provider), x.model, (SELECT text FROM names WHERE id = x.key), x.status,
	(SELECT text FROM names WHERE id = x.class), (SELECT text FROM names WHERE id = x.reason),
	x.input, x.output, x.cache_read, x.cache_write, x.reasoning, x.estimated, x.cost, x.bytes_in, x.bytes_out, x.ttft, x.duration`

func scanExchange(rows *sql.Rows) (x Exchange, at position, err error) {
	var ttft, duration int64
	err = rows.Scan(&at.seq, &x.ID, &at.start, &x.Client, &x.Team, &x.Dialect, &x.Call, &x.Alias, &x.Stream,
		&x.Session, &x.Agent, &x.Provider, &x.Model, &x.Key, &x.Status, &x.Class, &x.Reason,
		&x.Input, &x.Output, &x.CacheRead, &x.CacheWrite, &x.Reasoning, &x.Estimated, &x.Cost,
		&x.BytesIn, &x.BytesOut, &ttft, &duration)
	x.Start = time.UnixMicro(at.start).UTC()
	x.TTFT, x.Duration = time.Duration(ttft)*time.Microsecond, time.Duration(duration)*time.Microsecond
	return x, at, err
}

// Exchanges lists the exchanges a filter chooses, by the time they began, up to
// limit (default 100, at most 1000), behind cursor.
func (r *Reader) Exchanges(ctx context.Context, f Filter, limit int, cursor string) (Page, error) {
	var c conditions
	c.between("x.start", micro(f.Since, ever), micro(f.Until, never))
	f.totals(&c, "x", "x")
	f.rows(&c)
	if cursor != "" {
		p, err := parsePosition(cursor)
		if err != nil {
			return Page{}, err
		}
		c.add("(x.start, x.seq) < (?, ?)", p.start, p.seq)
	}
	limit = within(limit, 100, 1000)
	var page Page
	err := r.snapshot(ctx, func(tx *sql.Tx) error {
		query := "SELECT " + columns + " FROM exchanges x" + c.where() + " ORDER BY x.start DESC, x.seq DESC LIMIT ?"
		var last position
		return scanAll(ctx, tx, query, append(c.args, limit+1), func(rows *sql.Rows) error {
			x, at, err := scanExchange(rows)
			if err != nil {
				return err
			}
			if len(page.Exchanges) == limit {
				page.Next = last.String()
				return nil
			}
			page.Exchanges, last = append(page.Exchanges, x), at
			return nil
		})
	})
	return page, err
}

// Exchange returns the exchange with a request id, with its attempts, or
// ErrNotFound.
func (r *Reader) Exchange(ctx context.Context, id string) (Exchange, error) {
	var out Exchange
	err := r.snapshot(ctx, func(tx *sql.Tx) error {
		found := position{}
		err := scanAll(ctx, tx, "SELECT "+columns+" FROM exchanges x WHERE "+inBlocks("e.id = ?")+" ORDER BY x.seq DESC LIMIT 1", []any{id}, func(rows *sql.Rows) (err error) {
			out, found, err = scanExchange(rows)
			return err
		})
		if err != nil {
			return err
		}
		if found.seq == 0 {
			return fmt.Errorf("exchange %q: %w", short(id, 60), ErrNotFound)
		}
		out.Attempts, err = attemptsOf(ctx, tx, found.seq)
		return err
	})
	return out, err
}

func attemptsOf(ctx context.Context, tx *sql.Tx, seq int64) (attempts []Attempt, err error) {
	const query = `SELECT (SELECT text FROM names WHERE id = a.provider), a.model, (SELECT text FROM names WHERE id = a.key),
		(SELECT text FROM names WHERE id = a.dialect), a.start, a.ttft, a.duration, a.status,
		(SELECT text FROM names WHERE id = a.class), (SELECT text FROM names WHERE id = a.reason), a.code, a.wait
		FROM ` + attemptsOfOne + ` ORDER BY a.n`
	err = scanAll(ctx, tx, query, []any{seq}, func(rows *sql.Rows) error {
		var a Attempt
		var start, ttft, duration, wait int64
		err := rows.Scan(&a.Provider, &a.Model, &a.Key, &a.Dialect, &start, &ttft, &duration, &a.Status, &a.Class, &a.Reason, &a.Code, &wait)
		a.Start, a.TTFT = time.Duration(start)*time.Microsecond, time.Duration(ttft)*time.Microsecond
		a.Duration, a.Wait = time.Duration(duration)*time.Microsecond, time.Duration(wait)*time.Microsecond
		attempts = append(attempts, a)
		return err
	})
	return attempts, err
}

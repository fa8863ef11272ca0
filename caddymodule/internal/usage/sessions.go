package usage

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"
)

// Session is a conversation: its totals and those of its agents.
type Session struct {
	ID          string
	First, Last time.Time // when its first and its last request began
	Sums
	Agents []Agent // by cost, highest first
}

// Agent is the part of a session that one of its agents asked for.
type Agent struct {
	ID          string // empty: the main agent
	First, Last time.Time
	Sums
	// Requests are the agent's exchanges, newest first. Sessions leaves them out;
	// see Reader.Session.
	Exchanges []Exchange
}

// Sessions lists the sessions that were active at or after since, the last
// active first: up to limit (default 100, at most 500). Their totals are of all
// rows that are kept.
func (r *Reader) Sessions(ctx context.Context, since time.Time, limit int) ([]Session, error) {
	var out []Session
	err := r.snapshot(ctx, func(tx *sql.Tx) error {
		const query = "SELECT id, text FROM sessions WHERE last >= ? ORDER BY last DESC, id DESC LIMIT ?"
		var ids []int64
		err := scanAll(ctx, tx, query, []any{micro(since, ever), within(limit, 100, 500)}, func(rows *sql.Rows) error {
			var id int64
			var text string
			err := rows.Scan(&id, &text)
			ids, out = append(ids, id), append(out, Session{ID: text})
			return err
		})
		for i := 0; i < len(ids) && err == nil; i++ {
			err = out[i].load(ctx, tx, ids[i])
		}
		return err
	})
	// A session whose rows are all gone has nothing to tell.
	return slices.DeleteFunc(out, func(s Session) bool { return s.Requests == 0 }), err
}

// Session returns a session with the exchanges of each agent: the newest, up
// to limit of all agents together (default 500, at most 5000); or ErrNotFound.
func (r *Reader) Session(ctx context.Context, id string, limit int) (Session, error) {
	s := Session{ID: id}
	err := r.snapshot(ctx, func(tx *sql.Tx) error {
		n, err := number(ctx, tx, "SELECT id FROM sessions WHERE text = ?", id)
		if err != nil {
			return err
		}
		if err := s.load(ctx, tx, n); err != nil {
			return err
		}
		if s.Requests == 0 {
			return ErrNotFound
		}
		query := "SELECT " + columns + " FROM exchanges x WHERE x.session = ? ORDER BY x.start DESC, x.seq DESC LIMIT ?"
		return scanAll(ctx, tx, query, []any{n, within(limit, 500, 5000)}, func(rows *sql.Rows) error {
			x, _, err := scanExchange(rows)
			s.hang(x)
			return err
		})
	})
	return s, err
}

// hang puts an exchange to its agent.
func (s *Session) hang(x Exchange) {
	for i := range s.Agents {
		if a := &s.Agents[i]; a.ID == x.Agent {
			a.Exchanges = append(a.Exchanges, x)
		}
	}
}

// load reads the totals of a session and of its agents.
func (s *Session) load(ctx context.Context, tx *sql.Tx, id int64) error {
	query := "SELECT coalesce(agent, ''), min(start), max(start), " +
		each(", ", measure.ofSession) + " FROM exchanges x WHERE session = ? GROUP BY agent"
	var all sums
	var first, last int64
	err := scanAll(ctx, tx, query, []any{id}, func(rows *sql.Rows) error {
		var a Agent
		var of sums
		var from, to int64
		into := []any{&a.ID, &from, &to}
		for i := range of {
			into = append(into, &of[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		a.First, a.Last, a.Sums = time.UnixMicro(from).UTC(), time.UnixMicro(to).UTC(), of.public()
		if len(s.Agents) == 0 {
			first, last = from, to
		}
		first, last = min(first, from), max(last, to)
		all.add(&of)
		s.Agents = append(s.Agents, a)
		return nil
	})
	s.First, s.Last, s.Sums = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC(), all.public()
	slices.SortFunc(s.Agents, func(a, b Agent) int {
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(a.ID, b.ID))
	})
	return err
}

// ofSession is the sum over the exchanges x and their attempts.
func (m measure) ofSession() string {
	if m.attempt == "0" {
		return "sum(" + m.row + ")"
	}
	return "sum(iif(x.sole_dialect IS NULL, (SELECT coalesce(sum(" + m.attempt + "), 0) FROM attempts a WHERE a.exchange = x.seq), " + m.inRow() + "))"
}

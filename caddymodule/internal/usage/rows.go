package usage

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// rows writes exchanges to a ledger's database. It belongs to the writer's
// goroutine.
type rows struct {
	db    *database
	names map[string]int64
	roll  *rollups
	tidy  tidier

	exchange, attempt, upsert *statement
	session                   *sql.Stmt
}

// manyNames is how many names there may be: they come from configurations and
// from fixed lists, so that the bound is for the unforeseen.
const manyNames = 100_000

func newRows(o Options) *rows {
	w := &rows{names: map[string]int64{}, roll: newRollups()}
	w.tidy.allow(o.Retention, o.MaxSize)
	return w
}

// upsertSession brings a session up to date and yields its id.
const upsertSession = "INSERT INTO sessions(text, first, last) VALUES (?1, ?2, ?3) ON CONFLICT(text) DO UPDATE SET first = min(first, ?2), last = max(last, ?3) RETURNING id"

// params is n question marks.
func params(n int) string { return strings.Repeat(", ?", n)[2:] }

// prepare makes the statements for a database that was just opened.
func (w *rows) prepare(d *database) error {
	w.db = d
	w.forget()
	w.tidy.begin()
	for _, s := range [...]struct {
		to    **statement
		query string
	}{
		{&w.exchange, "INSERT INTO exchanges VALUES (NULL, " + params(31) + ")"},
		{&w.attempt, "INSERT INTO attempts VALUES (" + params(14) + ")"},
		{&w.upsert, "INSERT INTO rollups VALUES (" + params(7+nMeasures) + ") " + addUp()},
	} {
		stmt, err := d.prepare(s.query)
		if err != nil {
			return fmt.Errorf("preparing to write exchanges: %w", err)
		}
		*s.to = stmt
	}
	session, err := d.conn.PrepareContext(context.Background(), upsertSession)
	if err != nil {
		return fmt.Errorf("preparing to write sessions: %w", err)
	}
	w.session = session
	return nil
}

// release lets go of the statements.
func (w *rows) release() {
	for _, s := range [...]**statement{&w.exchange, &w.attempt, &w.upsert} {
		(*s).close()
		*s = nil
	}
	if w.session != nil {
		_ = w.session.Close()
		w.session = nil
	}
}

// forget drops what was learned in a transaction that failed.
func (w *rows) forget() {
	clear(w.names)
	w.roll.forget()
}

// write puts a batch into the database, within a transaction.
func (w *rows) write(batch []Exchange, _ time.Time) error {
	for i := range batch {
		batch[i].clean()
	}
	sessions, err := w.sessions(batch)
	if err != nil {
		return err
	}
	for i := range batch {
		if err := w.insert(&batch[i], sessions[batch[i].Session]); err != nil {
			return err
		}
	}
	return w.roll.flush(w)
}

// sessions returns the ids of the batch's sessions, which it brings up to date.
func (w *rows) sessions(batch []Exchange) (map[string]int64, error) {
	ids := map[string]int64{}
	spans := map[string][2]int64{}
	for i := range batch {
		x := &batch[i]
		if x.Session == "" {
			continue
		}
		at := x.Start.UnixMicro()
		span, ok := spans[x.Session]
		if !ok {
			span = [2]int64{at, at}
		}
		spans[x.Session] = [2]int64{min(span[0], at), max(span[1], at)}
	}
	for text, span := range spans {
		var id int64
		if err := w.session.QueryRow(text, span[0], span[1]).Scan(&id); err != nil {
			return nil, err
		}
		ids[text] = id
	}
	return ids, nil
}

// insert writes one exchange and its attempts, and counts them.
func (w *rows) insert(x *Exchange, session int64) error {
	var id naming
	id.rows = w
	g := group{id.of(x.Provider), id.of(x.Client), id.of(x.Team), id.of(x.Key), x.Model}
	start := x.Start.UnixMicro()
	args := [...]any{
		x.ID, start, g.client, g.team, id.of(x.Dialect), id.of(x.Call),
		x.Alias, one(x.Stream), null(session != 0, session), null(x.Agent != "", x.Agent),
		g.provider, x.Model, g.key,
		int64(x.Status), id.of(x.Class), id.of(x.Reason),
		x.Input, x.Output, x.CacheRead, x.CacheWrite, x.Reasoning, one(x.Estimated), x.Cost,
		x.BytesIn, x.BytesOut, micros(x.TTFT), micros(x.Duration), nil, nil, nil, nil,
	}
	sole := x.sole()
	if sole != nil {
		copy(args[27:], []any{id.of(sole.Dialect), micros(sole.Start), micros(sole.TTFT), micros(sole.Duration)})
	}
	if id.err != nil {
		return id.err
	}
	if err := w.exchange.exec(args[:]...); err != nil {
		return err
	}
	w.roll.add(start, g, x.count)
	if sole != nil {
		w.roll.add(start, g, sole.count)
		return nil
	}
	for n := range x.Attempts {
		if err := w.insertAttempt(w.exchange.seq, n, &x.Attempts[n], start, g); err != nil {
			return err
		}
	}
	return nil
}

// insertAttempt writes one attempt of the exchange seq, which began at start.
func (w *rows) insertAttempt(seq int64, n int, a *Attempt, start int64, g group) error {
	var id naming
	id.rows = w
	g.provider, g.key, g.model = id.of(a.Provider), id.of(a.Key), a.Model
	args := [...]any{
		seq, int64(n), g.provider, a.Model, g.key, id.of(a.Dialect),
		micros(a.Start), micros(a.TTFT), micros(a.Duration),
		int64(a.Status), id.of(a.Class), id.of(a.Reason), a.Code, micros(a.Wait),
	}
	if id.err != nil {
		return id.err
	}
	if err := w.attempt.exec(args[:]...); err != nil {
		return err
	}
	w.roll.add(start, g, a.count)
	return nil
}

// null is v, or NULL unless set.
func null(set bool, v any) any {
	if set {
		return v
	}
	return nil
}

// naming finds the ids of several names and keeps the first error.
type naming struct {
	rows *rows
	err  error
}

func (n *naming) of(text string) int64 {
	if n.err != nil || text == "" {
		return nameNone
	}
	id, err := n.rows.name(text)
	n.err = err
	return id
}

// name returns the id of a name, which is entered if it is new.
func (w *rows) name(text string) (int64, error) {
	if id, ok := w.names[text]; ok {
		return id, nil
	}
	id, err := w.db.number("SELECT id FROM names WHERE text = ?", text)
	if err != nil {
		return 0, err
	}
	if id == 0 {
		if id, err = w.enter(text); err != nil {
			return 0, err
		}
	}
	if len(w.names) >= manyNames {
		clear(w.names)
	}
	w.names[text] = id
	return id, nil
}

func (w *rows) enter(text string) (int64, error) {
	last, err := w.db.number("SELECT max(id) FROM names")
	if err != nil || last >= manyNames {
		return nameOther, err
	}
	return last + 1, w.db.exec("INSERT INTO names(id, text) VALUES (?, ?)", last+1, text)
}

// addUp adds to a roll-up.
func (w *rows) addUp(b bucket, g group, s *sums) error {
	args := make([]any, 0, 7+nMeasures)
	args = append(args, b.span, b.start, g.provider, g.model, g.client, g.team, g.key)
	for _, n := range s {
		args = append(args, n)
	}
	return w.upsert.exec(args...)
}

// groups reads which groups a bucket has.
func (w *rows) groups(b bucket) (map[group]bool, error) {
	found, err := w.db.conn.QueryContext(context.Background(),
		"SELECT provider, client, team, key, model FROM rollups WHERE span = ? AND start = ?", b.span, b.start)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	known := map[group]bool{}
	for found.Next() {
		var g group
		if err := found.Scan(&g.provider, &g.client, &g.team, &g.key, &g.model); err != nil {
			return nil, err
		}
		known[g] = true
	}
	return known, found.Err()
}

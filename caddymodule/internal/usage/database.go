package usage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
)

// database is a SQLite file with one writer. Its schema has a version, and it
// knows whether it was closed properly.
type database struct {
	noun  string   // for messages: "usage ledger"
	path  string   // absolute
	app   int32    // SQLite's application_id
	steps []string // steps[i] lifts the schema from version i to i+1
	extra string   // further pragmas; tests make disks small with it

	lock  *os.File
	pool  *sql.DB
	conn  *sql.Conn // the only one of pool
	found Found
}

// SQLite's result codes, https://www.sqlite.org/rescode.html
const (
	codeIO       = 10
	codeCorrupt  = 11
	codeCantOpen = 14
	codeNotADB   = 26
)

// code returns SQLite's primary result code of an error, or 0.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func corrupt(err error) bool {
	c := code(err)
	return c == codeCorrupt || c == codeNotADB || errors.Is(err, errDamaged)
}

// dsn names the database at path for the driver. mode is SQLite's: rwc, ro.
func dsn(path, mode string, pragmas ...string) string {
	query := url.Values{"mode": {mode}, "_pragma": pragmas, "_txlock": {"immediate"}, "_dqs": {"0"}}
	if mode != "rwc" {
		query.Set("_txlock", "deferred")
	}
	slashed := filepath.ToSlash(path)
	if len(slashed) > 0 && slashed[0] != '/' {
		slashed = "/" + slashed // C:/…
	}
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}).String()
}

// open makes the database ready to be written. A damaged one is moved aside,
// and d.found says so.
func (d *database) open(now time.Time) error {
	d.found = Found{}
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		return fmt.Errorf("opening the %s: %w", d.noun, err)
	}
	held, err := lock(d.path)
	if err != nil {
		return fmt.Errorf("opening the %s: %w", d.noun, err)
	}
	d.lock = held
	err = d.emptied()
	if err == nil {
		err = d.connect(now)
	}
	if corrupt(err) {
		err = d.replace(now, err)
	}
	if err != nil {
		d.release()
		return fmt.Errorf("opening the %s %s: %w", d.noun, d.path, err)
	}
	d.remember(now)
	return nil
}

// connect opens the file, examines it and lifts it to the present version.
func (d *database) connect(now time.Time) error {
	if err := d.touch(); err != nil {
		return err
	}
	pragmas := []string{"busy_timeout(2000)"}
	if d.found.New {
		pragmas = append(pragmas, "auto_vacuum(incremental)") // before anything is written
	}
	pragmas = append(pragmas, "journal_mode(wal)", "synchronous(normal)", "cache_size(-512)", "mmap_size(0)",
		"journal_size_limit(4194304)", "temp_store(memory)", "trusted_schema(0)")
	if d.extra != "" {
		pragmas = append(pragmas, d.extra)
	}
	pool, err := sql.Open("sqlite", dsn(d.path, "rwc", pragmas...))
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	d.pool = pool
	if d.conn, err = pool.Conn(context.Background()); err != nil {
		return err
	}
	if err := d.examine(); err != nil {
		return err
	}
	if err := d.migrate(now); err != nil {
		return err
	}
	return d.mark(now)
}

// touch creates the file, readable by its owner alone: SQLite gives its
// companions the same mode.
func (d *database) touch() error {
	f, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	d.found.New = err == nil && info.Size() == 0
	return errors.Join(err, f.Close())
}

// close writes the mark of a proper end, and lets go of everything.
func (d *database) close() error {
	var err error
	if d.conn != nil {
		err = d.exec("UPDATE meta SET value = 0 WHERE name = 'open'")
	}
	if e := d.release(); err == nil {
		err = e
	}
	return err
}

// release lets go of the connection and of the lock.
func (d *database) release() error {
	err := d.disconnect()
	if d.lock != nil {
		_ = d.lock.Close()
		d.lock = nil
	}
	return err
}

func (d *database) disconnect() error {
	var err error
	if d.conn != nil {
		err = d.conn.Close()
	}
	if d.pool != nil {
		err = errors.Join(err, d.pool.Close())
	}
	d.conn, d.pool = nil, nil
	return err
}

func (d *database) exec(query string, args ...any) error {
	_, err := d.conn.ExecContext(context.Background(), query, args...)
	return err
}

// number returns the single number a query yields; 0 for none.
func (d *database) number(query string, args ...any) (int64, error) {
	var n sql.NullInt64
	err := d.conn.QueryRowContext(context.Background(), query, args...).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return n.Int64, err
}

// within runs f in a transaction.
func (d *database) within(f func() error) (err error) {
	if err := d.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = d.exec("ROLLBACK") // some errors have rolled back already
		}
	}()
	if err := f(); err != nil {
		return err
	}
	return d.exec("COMMIT")
}

// set writes a number of the ledger about itself.
func (d *database) set(name string, value int64) error {
	return d.exec("INSERT INTO meta(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", name, value)
}

// get reads what set wrote; 0 if nothing.
func (d *database) get(name string) (int64, error) {
	return d.number("SELECT value FROM meta WHERE name = ?", name)
}

// note writes an event that readers of the figures should know of.
func (d *database) note(now time.Time, kind string, count int64, text string) error {
	return d.exec("INSERT INTO notes(at, kind, count, text) VALUES (?, ?, ?, ?)", now.UnixMicro(), kind, count, text)
}

// size is what the live pages take, in bytes, and all pages.
func (d *database) size() (live, file int64, err error) {
	page, err1 := d.number("PRAGMA page_size")
	pages, err2 := d.number("PRAGMA page_count")
	free, err3 := d.number("PRAGMA freelist_count")
	return (pages - free) * page, pages * page, errors.Join(err1, err2, err3)
}

// shrink gives up to n free pages back to the file system.
func (d *database) shrink(n int) error {
	// The pragma does its work row by row; Exec would take only one step.
	rows, err := d.conn.QueryContext(context.Background(), fmt.Sprintf("PRAGMA incremental_vacuum(%d)", n))
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

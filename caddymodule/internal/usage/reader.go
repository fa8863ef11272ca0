package usage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Reader answers questions about a ledger, also while another process writes
// it. It is safe for concurrent use, and never changes the file.
type Reader struct {
	path string
	pool *sql.DB
}

// OpenReader opens the ledger at path for reading. The error is ErrFuture if a
// newer aimux wrote it, and fs.ErrNotExist if there is none.
func OpenReader(path string) (*Reader, error) {
	r, err := openReader(path)
	if err != nil {
		return nil, fmt.Errorf("reading the usage ledger %s: %w", path, err)
	}
	return r, nil
}

func openReader(path string) (*Reader, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 || info.IsDir() {
		return nil, errors.New("it is no ledger: the file is empty or a directory")
	}
	r := &Reader{path: path}
	if err = r.connect(""); err != nil && !exists(path+"-wal") {
		// A ledger that nobody writes, in a directory where this process may
		// create nothing: it does not change, so that it needs no locks.
		_ = r.Close()
		err = r.connect("&immutable=1")
	}
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Reader) connect(suffix string) error {
	pool, err := sql.Open("sqlite", dsn(r.path, "ro", "busy_timeout(2000)", "query_only(1)", "cache_size(-1024)", "mmap_size(0)", "temp_store(memory)", "trusted_schema(0)")+suffix)
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(4)
	pool.SetMaxIdleConns(1)
	pool.SetConnMaxIdleTime(30 * time.Second) // an idle gateway holds no caches
	r.pool = pool
	var version, app int64
	row := pool.QueryRow("SELECT user_version, application_id FROM pragma_user_version, pragma_application_id")
	if err := row.Scan(&version, &app); err != nil {
		return err
	}
	return known(version, app)
}

// known checks that this program can read a database of the given version.
func known(version, app int64) error {
	now := int64(len(ledgerSteps()))
	switch {
	case app != ledgerApp:
		return errors.New("this is a database, but no usage ledger")
	case version > now:
		return fmt.Errorf("its version is %d, this aimux knows up to %d: %w", version, now, ErrFuture)
	case version < now:
		return fmt.Errorf("its version is %d; start aimux once, which lifts it to %d", version, now)
	}
	return nil
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.pool == nil {
		return nil
	}
	return r.pool.Close()
}

// snapshot runs f in a transaction, so that all it reads is of one moment.
func (r *Reader) snapshot(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := r.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("reading the usage ledger: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return fmt.Errorf("reading the usage ledger: %w", err)
	}
	return nil
}

// scanAll calls scan for each row of a query.
func scanAll(ctx context.Context, tx *sql.Tx, query string, args []any, scan func(*sql.Rows) error) error {
	found, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		if err := scan(found); err != nil {
			return err
		}
	}
	return found.Err()
}

// number returns the single number a query yields; 0 for none.
func number(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	var n sql.NullInt64
	err := tx.QueryRowContext(ctx, query, args...).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return n.Int64, err
}

// Notes returns the last notes since a time, the newest first: up to limit,
// and at most 1000.
func (r *Reader) Notes(ctx context.Context, since time.Time, limit int) ([]Note, error) {
	var notes []Note
	err := r.snapshot(ctx, func(tx *sql.Tx) error {
		query := "SELECT at, kind, count, text FROM notes WHERE at >= ? ORDER BY seq DESC LIMIT ?"
		return scanAll(ctx, tx, query, []any{since.UnixMicro(), within(limit, 100, manyNotes)}, func(rows *sql.Rows) error {
			var n Note
			var at int64
			err := rows.Scan(&at, &n.Kind, &n.Count, &n.Text)
			n.At = time.UnixMicro(at)
			notes = append(notes, n)
			return err
		})
	})
	return notes, err
}

// within is a limit with a default and a bound.
func within(limit, usual, most int) int {
	if limit <= 0 {
		return usual
	}
	return min(limit, most)
}

// Missing reports whether an error of OpenReader says that there is no ledger.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

package usage

import (
	"context"
	"database/sql"
	"fmt"
	"os"
)

// Copy writes a whole and consistent copy of the ledger, as of one moment, to a
// new file, also while the ledger is being written: for backups.
func (r *Reader) Copy(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // SQLite takes an empty file
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = run(ctx, dsn(r.path, "ro", "busy_timeout(2000)"), "VACUUM INTO ?", path)
	}
	if err == nil { // the copy is no file that a process left behind
		err = run(ctx, dsn(path, "rw"), "UPDATE meta SET value = 0 WHERE name = 'open'")
	}
	if err != nil {
		return fmt.Errorf("copying the usage ledger: %w", err)
	}
	return nil
}

// run opens a database for one statement.
func run(ctx context.Context, name, statement string, args ...any) error {
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.ExecContext(ctx, statement, args...)
	return err
}

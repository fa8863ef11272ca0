package usage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
)

// statement is a prepared statement that is carried out for every row. It
// speaks to the driver itself: what database/sql does between is a tenth of the
// work and most of the garbage, and a writer with one connection needs none.
type statement struct {
	conn *sql.Conn
	stmt driver.Stmt
	args []driver.NamedValue // of the call under way
	seq  int64               // the row that the last call inserted
	run  func(any) error     // carry, as conn.Raw takes it
}

// prepare makes a statement that takes a value for each question mark.
func (d *database) prepare(query string) (*statement, error) {
	s := &statement{conn: d.conn, args: make([]driver.NamedValue, strings.Count(query, "?"))}
	s.run = s.carry
	for i := range s.args {
		s.args[i].Ordinal = i + 1
	}
	err := d.conn.Raw(func(c any) (err error) {
		s.stmt, err = c.(driver.Conn).Prepare(query)
		return err
	})
	return s, err
}

// exec carries the statement out with values as the driver takes them: int64,
// string, nil.
func (s *statement) exec(values ...any) error {
	if len(values) != len(s.args) {
		return fmt.Errorf("%d values for a statement of %d", len(values), len(s.args))
	}
	for i, v := range values {
		s.args[i].Value = v
	}
	return s.conn.Raw(s.run)
}

func (s *statement) carry(any) error {
	result, err := s.stmt.(driver.StmtExecContext).ExecContext(context.Background(), s.args)
	if err == nil {
		s.seq, err = result.LastInsertId()
	}
	return err
}

// close lets go of the statement. It does nothing for one that is not.
func (s *statement) close() {
	if s != nil && s.stmt != nil {
		_ = s.conn.Raw(func(any) error { return s.stmt.Close() })
		s.stmt = nil
	}
}

package usage

import (
	"strings"
	"time"
)

// Filter chooses exchanges. Empty fields choose all; the others must be equal,
// letter by letter.
type Filter struct {
	// Since and Until bound when the exchange began: Since ≤ start < Until.
	Since, Until time.Time
	Provider     string
	Model        string // as served
	Client, Team string
	Key          string // the key's name
	// The following choose rows, which are kept for Options.Retention only.
	Alias   string // the model as asked
	Session string
	Agent   string
	Class   string // "rate_limited"; "failed" stands for all failures
	ID      string // the beginning of the request id
}

// ClassFailed, as a Filter's class, chooses every exchange that failed.
const ClassFailed = "failed"

// rowsOnly reports whether only rows, not totals, can answer.
func (f *Filter) rowsOnly() bool {
	return f.Alias != "" || f.Session != "" || f.Agent != "" || f.Class != "" || f.ID != ""
}

// conditions gathers the WHERE part of a query and its arguments.
type conditions struct {
	parts []string
	args  []any
}

func (c *conditions) add(part string, args ...any) {
	c.parts = append(c.parts, part)
	c.args = append(c.args, args...)
}

// where is the WHERE clause, with a space before it; empty if all is chosen.
func (c *conditions) where() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}

// totals adds what rows and totals have in common. attempted is the alias of
// the table that provider, model and key are taken from, client's the other.
func (f *Filter) totals(c *conditions, attempted, asked string) {
	for _, name := range [...]struct{ column, text string }{
		{attempted + ".provider", f.Provider}, {attempted + ".key", f.Key},
		{asked + ".client", f.Client}, {asked + ".team", f.Team},
	} {
		if name.text != "" {
			c.add(name.column+" = (SELECT id FROM names WHERE text = ?)", name.text)
		}
	}
	if f.Model != "" {
		c.add(attempted+".model = ?", f.Model)
	}
}

// rows adds what only rows can answer, of the table exchanges AS x.
func (f *Filter) rows(c *conditions) {
	if f.Alias != "" {
		c.add("x.alias = ?", f.Alias)
	}
	if f.Session != "" {
		c.add("x.session = (SELECT id FROM sessions WHERE text = ?)", f.Session)
	}
	if f.Agent != "" {
		c.add("x.agent = ?", f.Agent)
	}
	switch {
	case f.Class == ClassFailed:
		c.add("x.class NOT IN (1, 2)")
	case f.Class != "":
		c.add("x.class = (SELECT id FROM names WHERE text = ?)", f.Class)
	}
	if f.ID != "" {
		c.beginning(f.ID)
	}
}

// beginning adds that the id begins with a text.
func (c *conditions) beginning(text string) {
	// A range instead of LIKE: it uses the index, and knows no wildcards.
	condition, args := "e.id >= ?", []any{text}
	if end := after(text); end != "" {
		condition, args = condition+" AND e.id < ?", append(args, end)
	}
	if len(text) >= rare {
		c.add(inBlocks(condition), args...)
	} else {
		c.add(strings.ReplaceAll(condition, "e.", "x."), args...)
	}
}

// between adds the bounds on when an exchange began, in Unix microseconds.
func (c *conditions) between(column string, from, until int64) {
	if from != ever {
		c.add(column+" >= ?", from)
	}
	if until != never {
		c.add(column+" < ?", until)
	}
}

// after returns the first text, byte by byte, that does not begin with prefix
// and sorts behind it. Empty: there is none.
func after(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}

// The bounds of time without a bound.
const (
	ever  = -1 << 63
	never = 1<<63 - 1
)

// micro is a bound in Unix microseconds: none for the zero time.
func micro(t time.Time, none int64) int64 {
	if t.IsZero() {
		return none
	}
	return t.UnixMicro()
}

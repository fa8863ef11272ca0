package dialect

import "github.com/aimux/aimux/caddymodule/internal/llm"

// Set is the register of the dialects a process speaks. It does not change
// once made, so it needs no lock. The zero value knows none.
type Set struct{ byName map[llm.Dialect]Dialect }

// NewSet returns a register of ds.
func NewSet(ds ...Dialect) *Set {
	s := &Set{byName: make(map[llm.Dialect]Dialect, len(ds))}
	for _, d := range ds {
		s.byName[d.Name()] = d
	}
	return s
}

// Get returns the dialect called name, or nil.
func (s *Set) Get(name llm.Dialect) Dialect { return s.byName[name] }

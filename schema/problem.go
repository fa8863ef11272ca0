package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Position is a place in a file: line and column count from 1, columns in
// characters. A zero Line means that only the file is known.
type Position struct {
	File         string
	Line, Column int
}

// String returns "file:line:column", or as much of it as is known.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	s := strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
	if p.File == "" {
		return s
	}
	return p.File + ":" + s
}

// Problem is one thing wrong, or doubtful, about a configuration. No field ever
// contains a secret.
type Problem struct {
	// File, Line and Column say where it was written; empty for a value that
	// came from the environment. Line and Column count from 1.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Pointer is the place in the merged document (RFC 6901).
	Pointer string `json:"pointer,omitempty"`
	// Msg says what was found, Hint what would be right.
	Msg  string `json:"message"`
	Hint string `json:"hint,omitempty"`
	// Variable is the environment variable the value came from.
	Variable string `json:"variable,omitempty"`
}

// String returns the problem on one line, in the form editors jump to:
//
//	aimux.toon:12:7: /keys/2/provider: no provider "zia"; did you mean "zai"?
func (p Problem) String() string {
	var b strings.Builder
	for _, part := range []string{p.where(), p.Pointer} {
		if part != "" {
			b.WriteString(part)
			b.WriteString(": ")
		}
	}
	b.WriteString(p.Msg)
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

func (p Problem) where() string {
	if p.Variable != "" {
		return "environment variable " + p.Variable
	}
	return Position{p.File, p.Line, p.Column}.String()
}

// Problems is everything wrong with a configuration, in the order it is written.
// It is the error Load and FromJSON return, as *Problems.
type Problems []Problem

// Error returns one line for each problem.
func (ps *Problems) Error() string {
	lines := make([]string, len(*ps))
	for i, p := range *ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted puts the problems in the order a reader meets them, files before
// environment, and drops those said twice.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Variable, b.Variable),
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Pointer, b.Pointer),
			cmp.Compare(a.Msg, b.Msg),
		)
	})
	return slices.Compact(ps)
}

// asError returns the problems as an error, nil when there are none.
func (ps Problems) asError() error {
	if len(ps) == 0 {
		return nil
	}
	out := ps.sorted()
	return &out
}

var _ error = (*Problems)(nil)

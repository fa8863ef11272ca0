package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// Change is a figure beside what it was in earlier results.
type Change struct {
	What   string  `json:"what"`
	Before float64 `json:"before"`
	Now    float64 `json:"now"`
}

// Ratio returns the figure over what it was.
func (c Change) Ratio() float64 { return c.Now / c.Before }

// readReport reads what -json wrote.
func readReport(path string) (*Report, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the results to compare with: %w", err)
	}
	r := new(Report)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("reading the results to compare with: %s: %w", path, err)
	}
	return r, nil
}

// measures are the figures of a row that are compared.
func measures() []column {
	return []column{
		{"CPU s/1000", 3, func(r Row) float64 { return r.CPU }},
		{"p50 ms", 2, func(r Row) float64 { return r.P50 }},
		{"TTFT p50 ms", 2, func(r Row) float64 { return r.TTFT50 }},
		{"allocs", 0, func(r Row) float64 { return r.Allocations }},
		{"idle RSS MB", 1, func(r Row) float64 { return r.Idle }},
		{"KB a stream", 0, func(r Row) float64 { return r.PerStream }},
	}
}

// changes puts aimux's figures and all ratios beside those of an earlier report. A ratio to the plain proxy says more
// than a figure does: it was measured on the same machine in the same minutes.
func changes(now, before *Report) []Change {
	old := make(map[string]float64)
	before.figures(func(what string, v float64) { old[what] = v })
	var out []Change
	now.figures(func(what string, v float64) {
		if was := old[what]; was > 0 && v > 0 {
			out = append(out, Change{what, was, v})
		}
	})
	return out
}

// figures names every figure of a report that is compared.
func (r *Report) figures(yield func(what string, v float64)) {
	for _, s := range r.Scenarios {
		for _, c := range s.Checks {
			if !c.Unknown {
				yield(s.Name+": "+c.What, c.Value)
			}
		}
		for _, row := range s.Rows {
			if row.Path == pathNames[plain] || row.Path == pathNames[direct] || row.Path == pathNames[minimal] || row.Path == pathNames[router] {
				continue
			}
			for _, m := range measures() {
				yield(fmt.Sprintf("%s: %s, %s, %s", s.Name, row.Load, row.Path, m.title), m.value(row))
			}
		}
	}
}

// changeCells returns the table of the changes, its head first.
func (r *Report) changeCells() [][]string {
	table := [][]string{{"figure", "before", "now", "now / before"}}
	for _, c := range r.Changes {
		table = append(table, []string{c.What, number(c.Before, 3, true), number(c.Now, 3, true), number(c.Ratio(), 2, true)})
	}
	return table
}

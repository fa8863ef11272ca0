package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// column is one that a scenario's table may have.
type column struct {
	title    string
	decimals int
	value    func(Row) float64
}

// columns returns all of them in order; a table leaves out those that are 0 throughout.
func columns() []column {
	return []column{
		{"requests", 0, func(r Row) float64 { return float64(r.Requests) }},
		{"errors", 0, func(r Row) float64 { return float64(r.Errors) }},
		{"requests/s", 0, func(r Row) float64 { return r.PerSecond }},
		{"p50 ms", 2, func(r Row) float64 { return r.P50 }},
		{"p99 ms", 2, func(r Row) float64 { return r.P99 }},
		{"added p50 ms", 2, func(r Row) float64 { return r.Added50 }},
		{"added p99 ms", 2, func(r Row) float64 { return r.Added99 }},
		{"TTFT p50 ms", 2, func(r Row) float64 { return r.TTFT50 }},
		{"TTFT p99 ms", 2, func(r Row) float64 { return r.TTFT99 }},
		{"accepts ms", 0, func(r Row) float64 { return r.Accept }},
		{"least ms", 0, func(r Row) float64 { return r.Least }},
		{"most ms", 0, func(r Row) float64 { return r.Most }},
		{"CPU s/1000", 3, func(r Row) float64 { return r.CPU }},
		{"allocs", 0, func(r Row) float64 { return r.Allocations }},
		{"KB allocated", 1, func(r Row) float64 { return r.Allocated }},
		{"attempts", 3, func(r Row) float64 { return r.Attempts }},
		{"most open", 0, func(r Row) float64 { return float64(r.Open) }},
		{"refused", 0, func(r Row) float64 { return float64(r.Refused) }},
		{"refusal p99 ms", 2, func(r Row) float64 { return r.Refusal99 }},
		{"RSS at first MB", 1, func(r Row) float64 { return r.Started }},
		{"idle RSS MB", 1, func(r Row) float64 { return r.Idle }},
		{"heap and stacks MB", 1, func(r Row) float64 { return r.Anonymous }},
		{"peak RSS MB", 1, func(r Row) float64 { return r.RSS }},
		{"RSS after MB", 1, func(r Row) float64 { return r.After }},
		{"KB a stream", 0, func(r Row) float64 { return r.PerStream }},
	}
}

// cells returns the table of a result, its head first. "errors" stays even when there are none: that is the news.
func (r *Result) cells() [][]string {
	table := [][]string{{"load", "path"}}
	for _, row := range r.Rows {
		table = append(table, []string{row.Load, row.Path})
	}
	for _, c := range columns() {
		var any bool
		for _, row := range r.Rows {
			any = any || c.value(row) != 0
		}
		if !any && c.title != "errors" {
			continue
		}
		table[0] = append(table[0], c.title)
		for i, row := range r.Rows {
			table[i+1] = append(table[i+1], number(c.value(row), c.decimals, c.title == "errors"))
		}
	}
	return table
}

// number writes v, a dash for 0 unless zeros tell something.
func number(v float64, decimals int, zeros bool) string {
	if v == 0 && !zeros {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// checkCells returns the table of a result's checks, its head first.
func (r *Result) checkCells() [][]string {
	table := [][]string{{"check", "value", "at most", "target", "verdict"}}
	for _, c := range r.Checks {
		value := number(c.Value, 2, true) + c.Unit
		target := number(c.Target, 2, false)
		if c.Target > 0 {
			target += c.Unit
		}
		bound := number(c.Bound, 2, true) + c.Unit
		if c.Aim {
			bound = "–"
		}
		if c.Unknown {
			value = "–"
		}
		table = append(table, []string{c.What, value, bound, target, c.Verdict()})
	}
	return table
}

// WriteText writes the report for a terminal.
func (r *Report) WriteText(w io.Writer) {
	fmt.Fprintln(w, r.conditions())
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		fmt.Fprintf(w, "\n%s: %s\n\n%s\n%s", s.Name, s.Question, align(s.cells(), 2), align(s.checkCells(), 1))
		for _, note := range s.Notes {
			fmt.Fprintln(w, "  note:", note)
		}
	}
	if len(r.Changes) > 0 {
		fmt.Fprintf(w, "\nagainst the results before\n\n%s", align(r.changeCells(), 1))
	}
	if n := r.Broken(); n > 0 {
		fmt.Fprintf(w, "\n%d thresholds broken\n", n)
		return
	}
	fmt.Fprintln(w, "\nevery threshold held")
}

// conditions says in a line how the figures came about.
func (r *Report) conditions() string {
	where := "processes unpinned"
	if r.Pinned {
		where = "tested process on a processor of its own"
	}
	return fmt.Sprintf("%s, %s %s/%s, %d CPUs, %s, medians of %d rounds, load average %.1f before and %.1f after",
		r.Time.Format("2006-01-02 15:04 MST"), r.Go, r.OS, r.Arch, r.CPUs, where, r.Rounds, r.LoadBefore, r.LoadAfter)
}

// align writes a table in columns, the first left of them flush left and the others flush right.
func align(table [][]string, left int) string {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range table {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i < left {
				fmt.Fprintf(&b, "  %s%s", cell, pad)
			} else {
				fmt.Fprintf(&b, "  %s%s", pad, cell)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// WriteMarkdown writes the report as a part of a page.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n", r.conditions())
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s\n%s", s.Name, s.Question, markdown(s.cells(), 2), markdown(s.checkCells(), 1))
		for _, note := range s.Notes {
			fmt.Fprintf(&b, "\n%s\n", note)
		}
	}
	if len(r.Changes) > 0 {
		fmt.Fprintf(&b, "\n### against the results before\n\n%s", markdown(r.changeCells(), 1))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown writes a table, the first left columns flush left and the others flush right.
func markdown(table [][]string, left int) string {
	var b strings.Builder
	for i, row := range table {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", left) + strings.Repeat("---:|", len(row)-left) + "\n")
		}
	}
	return b.String()
}

package audit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Filter says which records are wanted. Empty fields ask for nothing.
type Filter struct {
	Actor   string
	Action  string // exactly, or all that begin with it if it ends in "."
	Target  string
	Outcome string
	Since   time.Time // records of this time and later
	Until   time.Time // records before this time
	Before  uint64    // only records with a lower seq: the next of the page before
	Limit   int       // Default: 50, at most 1000.
}

// Page is a part of the log, newest first.
type Page struct {
	Records []Record `json:"records"`
	// Next asks for the page after this one, as Filter.Before; 0: this is the last.
	Next uint64 `json:"next,omitempty"`
	// Bad counts the lines that could not be read or do not hold. Verify says more.
	Bad int `json:"bad,omitempty"`
}

// maxWalk is how many lines one call looks at. A filter that fits nothing then
// gives an empty page with a Next instead of holding everything up.
const maxWalk = 50_000

// Show returns the newest records in dir that the filter lets through.
func Show(ctx context.Context, dir string, f Filter) (Page, error) {
	list, err := settled(ctx, dir)
	if err != nil {
		return Page{}, fmt.Errorf("reading the audit log: %w", err)
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	w := walker{Filter: f, page: Page{Records: []Record{}}, left: maxWalk}
	w.Limit = min(w.Limit, 1000)
	for _, s := range slices.Backward(list) {
		if f.Before != 0 && s.first >= f.Before {
			continue
		}
		data, err := s.read()
		if err != nil {
			return Page{}, fmt.Errorf("reading the audit log: %w", err)
		}
		if !w.segment(data) || ctx.Err() != nil {
			break
		}
	}
	return w.page, ctx.Err()
}

// walker collects a page.
type walker struct {
	Filter
	page Page
	left int
}

// segment takes the lines of a segment from its end. It says whether to go on.
func (w *walker) segment(data []byte) bool {
	for len(data) > 0 {
		data = bytes.TrimSuffix(data, []byte("\n"))
		start := bytes.LastIndexByte(data, '\n') + 1
		if !w.take(data[start:]) {
			return false
		}
		data = data[:start]
	}
	return true
}

func (w *walker) take(line []byte) bool {
	p, err := parse(line)
	if err != nil || !p.intact() {
		w.page.Bad++
		return true
	}
	if w.Before != 0 && p.Seq >= w.Before {
		return true
	}
	if len(w.page.Records) == w.Limit || w.left <= 0 {
		w.page.Next = p.Seq + 1
		return false
	}
	w.left--
	if w.wants(&p.Record) {
		w.page.Records = append(w.page.Records, p.Record)
	}
	return true
}

func (f *Filter) wants(r *Record) bool {
	action := f.Action == "" || f.Action == r.Action || strings.HasSuffix(f.Action, ".") && strings.HasPrefix(r.Action, f.Action)
	if !action || !fits(f.Actor, r.Actor) || !fits(f.Target, r.Target) || !fits(f.Outcome, r.Outcome) {
		return false
	}
	t := r.When()
	return (f.Since.IsZero() || !t.Before(f.Since)) && (f.Until.IsZero() || t.Before(f.Until))
}

func fits(want, have string) bool { return want == "" || want == have }

// Export writes the records from seq first to last, both included, as they
// stand in the log, so that VerifyExport can verify the copy. A last of 0 means
// up to the end. It returns how many lines it wrote.
func Export(ctx context.Context, dir string, w io.Writer, first, last uint64) (int, error) {
	n, err := export(ctx, dir, w, first, last)
	if err != nil {
		return n, fmt.Errorf("exporting the audit log: %w", err)
	}
	return n, nil
}

func export(ctx context.Context, dir string, w io.Writer, first, last uint64) (n int, err error) {
	list, err := settled(ctx, dir)
	if err != nil {
		return 0, err
	}
	for i, s := range list {
		if last != 0 && s.first > last || i+1 < len(list) && list[i+1].first <= first {
			continue
		}
		data, err := s.read()
		if err != nil {
			return n, err
		}
		seq := s.first
		for line, whole := range lines(data) {
			if p, err := parse(line); err == nil {
				seq = p.Seq
			}
			if whole && seq >= first && (last == 0 || seq <= last) {
				if _, err := w.Write(line[:len(line)+1]); err != nil { // with the newline behind it
					return n, err
				}
				n++
			}
		}
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
	}
	return n, nil
}

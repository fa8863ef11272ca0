package legacy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Verdict is what became of a part of an old configuration.
type Verdict string

// The verdicts. Dropped is what the present version has no counterpart for;
// Refused is what would have one and cannot be used.
const (
	Kept    Verdict = "kept"
	Changed Verdict = "changed"
	Refused Verdict = "refused"
	Dropped Verdict = "dropped"
	Noted   Verdict = "note" // about a file, not about a field
)

// Entry is one line of a Report: what became of one field, or of a whole object
// where all of it shared its fate.
type Entry struct {
	Verdict Verdict `json:"verdict"`
	File    string  `json:"file,omitempty"`
	// Line counts from 1; 0 is unknown.
	Line    int    `json:"line,omitempty"`
	Pointer string `json:"pointer,omitempty"`
	// Now is what it became, as the new document has it; empty if nothing.
	Now string `json:"now,omitempty"`
	// Why says what changed, or why not.
	Why string `json:"why,omitempty"`
}

// String returns the entry on one line: "old.json:12: kept /providers/zai/url → …".
func (e Entry) String() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(string(e.Verdict))
	if e.Pointer != "" {
		b.WriteString(" " + e.Pointer)
	}
	if e.Now != "" {
		b.WriteString(" → " + e.Now)
	}
	if e.Why != "" {
		b.WriteString(": " + e.Why)
	}
	return b.String()
}

// FileReport says what a file was.
type FileReport struct {
	File string `json:"file"`
	// Dialect names the old form, for people; empty if it is none.
	Dialect string `json:"dialect,omitempty"`
	Bytes   int64  `json:"bytes"`
}

// KeyReport says where a key was found and where it goes, never what it is.
type KeyReport struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	// Origin is the only address the key may be sent to; Nowhere: unknown.
	Origin string `json:"origin"`
	Masked string `json:"masked"`
	// From lists where it stood, "file:line", the place that counts first.
	From []string `json:"from"`
}

// Report is the account of an import. It never holds a secret.
type Report struct {
	Created  time.Time    `json:"created"`
	DryRun   bool         `json:"dry_run,omitempty"`
	Files    []FileReport `json:"files"`
	Entries  []Entry      `json:"entries"`
	Keys     []KeyReport  `json:"keys"`
	Warnings []string     `json:"warnings,omitempty"`

	secrets secrets // everything that stood in the place of a key
}

// Count returns how many entries have the verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, e := range r.Entries {
		if e.Verdict == v {
			n++
		}
	}
	return n
}

// JSON returns the report for programs, indented, with a line end.
func (r *Report) JSON() []byte {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil // cannot happen: only strings, numbers and a time
	}
	return append(data, '\n')
}

// String returns the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Migration of %s", r.Created.UTC().Format("2006-01-02 15:04:05 UTC"))
	if r.DryRun {
		b.WriteString(" (dry run: nothing is written)")
	}
	b.WriteString("\n\nFiles\n")
	for _, f := range r.Files {
		fmt.Fprintf(&b, "  %s (%d bytes): %s\n", f.File, f.Bytes, cmp.Or(f.Dialect, "not a configuration of aimux"))
	}
	b.WriteString("\nFields\n")
	for _, e := range r.Entries {
		b.WriteString("  " + e.String() + "\n")
	}
	b.WriteString("\nKeys\n")
	for _, k := range r.Keys {
		fmt.Fprintf(&b, "  %s  %s  for %s, from %s\n", k.ID, k.Masked, shownOrigin(k.Origin), strings.Join(k.From, ", "))
	}
	for _, w := range r.Warnings {
		b.WriteString("\nWarning: " + w)
	}
	fmt.Fprintf(&b, "\n%d kept, %d changed, %d refused, %d without a counterpart, %d keys\n",
		r.Count(Kept), r.Count(Changed), r.Count(Refused), r.Count(Dropped), len(r.Keys))
	return b.String()
}

func shownOrigin(origin string) string {
	if origin == Nowhere {
		return "an unknown provider"
	}
	return origin
}

// arrange puts the entries in the order of the files and of the lines in them.
func (r *Report) arrange() {
	order := map[string]int{}
	for i, f := range r.Files {
		order[f.File] = i + 1
	}
	slices.SortStableFunc(r.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line))
	})
}

// seal takes every secret out of the report. It is the second line of defence: no
// entry is written with one in mind.
func (r *Report) seal() {
	clean := func(s *string) { *s = scrub(r.secrets.blot(*s)) }
	for i := range r.Files {
		clean(&r.Files[i].File)
	}
	for i := range r.Entries {
		e := &r.Entries[i]
		clean(&e.File)
		clean(&e.Pointer)
		clean(&e.Now)
		clean(&e.Why)
	}
	for i := range r.Keys {
		for j := range r.Keys[i].From {
			clean(&r.Keys[i].From[j])
		}
	}
	for i := range r.Warnings {
		clean(&r.Warnings[i])
	}
}

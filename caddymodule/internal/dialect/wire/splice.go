package wire

import (
	"slices"

	"github.com/tidwall/gjson"
)

// A Splice is a set of edits of a body that leave everything else of it
// byte-identical.
type Splice struct {
	body  []byte
	edits []edit
}

type edit struct {
	start, end int
	with       string
}

// NewSplice returns a Splice of body.
func NewSplice(body []byte) *Splice { return &Splice{body: body} }

// Replace puts with in the place of part, which must be a piece of the body.
func (s *Splice) Replace(part, with string) {
	start := Offset(View(s.body), part)
	s.edits = append(s.edits, edit{start, start + len(part), with})
}

// Remove takes those members or elements out of list, an object or array in
// the body, for which drop says so, commas and all. It returns how many are
// left. drop is called once for each, in order.
func (s *Splice) Remove(list gjson.Result, drop func(key, value gjson.Result) bool) (left int) {
	whole := View(s.body)
	last := 0     // end of the member before
	cutFrom := -1 // where the cut of members at the beginning starts
	list.ForEach(func(k, v gjson.Result) bool {
		start := Offset(whole, v.Raw)
		end := start + len(v.Raw)
		if k.Raw != "" && list.IsObject() {
			start = Offset(whole, k.Raw)
		}
		gone := drop(k, v)
		switch {
		case gone && left == 0 && cutFrom < 0:
			cutFrom = start
		case gone && left > 0:
			s.edits = append(s.edits, edit{last, end, ""})
		case !gone:
			if cutFrom >= 0 {
				s.edits = append(s.edits, edit{cutFrom, start, ""})
				cutFrom = -1
			}
			left++
		}
		last = end
		return true
	})
	if cutFrom >= 0 {
		s.edits = append(s.edits, edit{cutFrom, last, ""})
	}
	return left
}

// Bytes returns the edited body: the body itself if there was no edit.
func (s *Splice) Bytes() []byte {
	if len(s.edits) == 0 {
		return s.body
	}
	slices.SortStableFunc(s.edits, func(a, b edit) int { return a.start - b.start })
	dst := make([]byte, 0, len(s.body)+64)
	at := 0
	for _, e := range s.edits {
		if e.start < at {
			continue // inside of something already cut
		}
		dst = append(append(dst, s.body[at:e.start]...), e.with...)
		at = e.end
	}
	return append(dst, s.body[at:]...)
}

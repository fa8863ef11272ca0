package toon

import "strings"

// line is one line of the source, as offsets: where it starts, where its
// content starts after the indentation, and where the content ends, trailing
// spaces and the terminator excluded.
type line struct {
	start, at, end int
	depth          int  // indentation in levels
	tabbed         bool // a tab follows the leading spaces
}

// unquotedIndex returns the offset of the first c outside quotes in
// src[at:end], or -1. A quote anywhere opens a quoted part (§5.2).
func unquotedIndex(src string, at, end int, c byte) int {
	for i := at; i < end; i++ {
		switch src[i] {
		case c:
			return i
		case '"':
			closed := quotedEnd(src[:end], i)
			if closed < 0 {
				return -1
			}
			i = closed - 1
		}
	}
	return -1
}

// openQuote returns the offset of a quote in src[at:end] that is never closed,
// or -1.
func openQuote(src string, at, end int) int {
	for i := at; i < end; i++ {
		if src[i] != '"' {
			continue
		}
		closed := quotedEnd(src[:end], i)
		if closed < 0 {
			return i
		}
		i = closed - 1
	}
	return -1
}

// trimSpan cuts spaces, and nothing but U+0020, from both ends (§12).
func trimSpan(src string, at, end int) (int, int) {
	for at < end && src[at] == ' ' {
		at++
	}
	for at < end && src[end-1] == ' ' {
		end--
	}
	return at, end
}

// splitter walks the values of an inline array or a row.
type splitter struct {
	src   string
	delim byte
	at    int // start of the next value, end+1 after the last
	end   int
}

// next returns the span of the next value, spaces trimmed.
func (s *splitter) next() (at, end int, ok bool) {
	if s.at > s.end {
		return 0, 0, false
	}
	stop := unquotedIndex(s.src, s.at, s.end, s.delim)
	if stop < 0 {
		stop = s.end
	}
	at, end = trimSpan(s.src, s.at, stop)
	s.at = stop + 1
	return at, end, true
}

// cellsAtMost bounds how many cells a document can hold: a cell ends with a
// delimiter or with its line, and a row has at least three bytes.
func cellsAtMost(src string, lines int) int {
	if !strings.Contains(src, "[") {
		return 0
	}
	delims := strings.Count(src, ",") + strings.Count(src, "|") + strings.Count(src, "\t")
	return delims + min(lines, len(src)/3)
}

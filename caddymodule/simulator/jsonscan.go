package simulator

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
)

// The simulator reads requests by walking over their bytes: nothing is decoded that no answer depends on. The walk is
// lenient (it checks nesting and strings, not commas or numbers); strict mode runs json.Valid first.

// members yields the members of the JSON object in b: the key without its quotes, undecoded, and the raw value. It ends
// early where b is not an object or is cut off.
func members(b []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		i := open(b, '{')
		for i > 0 {
			i = skipFiller(b, i)
			if i >= len(b) || b[i] != '"' {
				return
			}
			k := skipString(b, i)
			colon := skipSpace(b, k)
			if k < 0 || colon >= len(b) || b[colon] != ':' {
				return
			}
			v := skipSpace(b, colon+1)
			end := skipValue(b, v)
			if end < 0 || !yield(b[i+1:k-1], b[v:end]) {
				return
			}
			i = end
		}
	}
}

// elements yields the raw elements of the JSON array in b, and ends early where b is not an array or is cut off.
func elements(b []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		i := open(b, '[')
		for i > 0 {
			i = skipFiller(b, i)
			if i >= len(b) || b[i] == ']' {
				return
			}
			end := skipValue(b, i)
			if end < 0 || !yield(b[i:end]) {
				return
			}
			i = end
		}
	}
}

// member returns the raw value of one member of the object b, or nil.
func member(b []byte, name string) []byte {
	for k, v := range members(b) {
		if string(k) == name {
			return v
		}
	}
	return nil
}

// isObject reports whether b is one JSON object and nothing else, as far as the lenient walk can tell.
func isObject(b []byte) bool {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	end := skipValue(b, i)
	return end > 0 && skipSpace(b, end) == len(b)
}

// text decodes the JSON string v; anything that is no string gives "".
func text(v []byte) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1])
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// is reports whether v is the JSON string s, written without escapes.
func is(v []byte, s string) bool {
	return len(v) == len(s)+2 && v[0] == '"' && string(v[1:len(v)-1]) == s
}

// number decodes the JSON number v as an int; ok is false for anything else.
func number(v []byte) (n int, ok bool) {
	f, err := strconv.ParseFloat(string(v), 64)
	return int(f), err == nil
}

func isTrue(v []byte) bool { return string(v) == "true" }
func isNull(v []byte) bool { return len(v) == 0 || string(v) == "null" }

func open(b []byte, bracket byte) int {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != bracket {
		return -1
	}
	return i + 1
}

func skipSpace(b []byte, i int) int {
	for i >= 0 && i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipFiller passes white space and the commas between elements.
func skipFiller(b []byte, i int) int {
	for i < len(b) && (b[i] == ',' || b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipString returns the index after the string that begins at b[i], or -1 when it does not end.
func skipString(b []byte, i int) int {
	start := i + 1
	for at := start; ; {
		q := bytes.IndexByte(b[at:], '"')
		if q < 0 {
			return -1
		}
		q += at
		slashes := 0
		for q-slashes > start && b[q-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return q + 1
		}
		at = q + 1
	}
}

// skipValue returns the index after the value that begins at b[i], or -1 when there is none or it is cut off. It does
// not recurse: depth costs nothing.
func skipValue(b []byte, i int) int {
	if i < 0 || i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	start := i
	for i < len(b) && isScalar(b[i]) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			end := skipString(b, i)
			if end < 0 {
				return -1
			}
			i = end
			continue
		}
		i++
	}
	return -1
}

// isScalar reports whether c may be part of a number or of true, false, null.
func isScalar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

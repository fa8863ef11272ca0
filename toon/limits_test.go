package toon

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// dense are the documents with the most values per byte we know of, most of them
// as long as size allows.
func dense(size int) map[string]string {
	repeat := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	rows := func(header, row string) string {
		return header + strings.Repeat(row, (size-len(header))/len(row))
	}
	numbered := func(line func(int) string) string {
		var b strings.Builder
		for i := 0; b.Len() < size-100; i++ {
			b.WriteString(line(i))
		}
		return b.String()
	}
	wide := strings.Repeat("a,", 1) + "b"
	for i := range 300 {
		wide += fmt.Sprintf(",f%d", i)
	}
	groups := strings.Repeat("a{", 60) + "b" + strings.Repeat("}", 60)
	return map[string]string{
		"inline array of empty strings":   "[1]: " + strings.Repeat(",", 60_000),
		"many inline arrays":              rows("[1]:\n", "  - [40]: "+strings.Repeat(",", 40)+"\n"),
		"wide table of empty cells":       rows("[1]{"+wide+"}:\n", "  "+strings.Repeat(",", 301)+"\n"),
		"narrow table":                    rows("[1]{a}:\n", "  1\n"),
		"deep groups":                     rows("[1]{"+groups+"}:\n", "  1\n"),
		"keyed table":                     "[1:]{a}:\n" + numbered(func(i int) string { return fmt.Sprintf("  %x: 1\n", i) }),
		"list of one-field objects":       rows("[1]:\n", "  - a:\n"),
		"list of empty objects":           rows("[1]:\n", "  -\n"),
		"list of empty arrays":            rows("[1]:\n", "  - []\n"),
		"object of many keys":             numbered(func(i int) string { return fmt.Sprintf("%x:\n", i) }),
		"object of many escaped keys":     numbered(func(i int) string { return fmt.Sprintf("\"\\n%x\":\n", i) }),
		"one key again and again":         repeat("a:\n"),
		"table headers":                   repeat("a[0]{b}:\n"),
		"table headers with groups":       repeat("a[0]{b{c}}:\n"),
		"headers in a list":               rows("[1]:\n", "  - a[0]{b}:\n"),
		"wide headers":                    repeat("a[0]{" + wide + "}:\n"),
		"malformed headers":               repeat("a[0]{" + strings.Repeat(",", 50) + "}:\n"),
		"wrong counts":                    numbered(func(i int) string { return fmt.Sprintf("k%x[9]: 1\n", i) }),
		"blank lines":                     repeat("\n"),
		"comments":                        repeat("#\n"),
		"comments and blank lines":        repeat("#\n\n"),
		"lines that belong to no scope":   rows("a: 1\n", "  b\n"),
		"fields among rows":               rows("[1]{a}:\n", "  b:\n"),
		"lines after the root":            rows("[0]:\n", "b\n"),
		"brackets":                        repeat("["),
		"brackets line by line":           repeat("[\n"),
		"braces":                          repeat("]{\n"),
		"commas":                          repeat(","),
		"carriage returns":                repeat("\r\n"),
		"hyphens":                         repeat("- "),
		"quotes":                          repeat("\""),
		"escapes in a string":             "a: \"" + strings.Repeat("\\n", 30_000) + "\"",
		"colons":                          repeat(":\n"),
		"staircase of objects":            staircase("a:\n", 100_000, size),
		"staircase of lists":              staircase("- [1]:\n", 100_000, size),
		"hyphens that nest":               "[1]:\n  " + strings.Repeat("- ", 30_000) + "a",
		"bytes that are no UTF-8":         repeat("\xff\n"),
		"a header that declares billions": "[1000000000]{a,b}:\n",
		"a length of many digits":         "[" + strings.Repeat("9", 60_000) + "]:",
		"too large":                       strings.Repeat("a", 10<<20),
		"a long line":                     "a: " + strings.Repeat("x", DefaultMaxLine),
	}
}

// staircase indents each line one level deeper than the line before, as long as
// size allows.
func staircase(line string, levels, size int) string {
	var b strings.Builder
	for i := 0; i < levels && b.Len() < size-3*i-len(line); i++ {
		b.WriteString(strings.Repeat("  ", i))
		b.WriteString(line)
	}
	return b.String()
}

func TestDecode_AllocatesLessThanTwentyTimesItsInput(t *testing.T) {
	for name, doc := range dense(DefaultMaxBytes / 4) {
		t.Run(name, func(t *testing.T) {
			data := []byte(doc)
			for mode, decode := range map[string]func() error{
				"strict":     func() error { _, err := Decode(data, MaxNodes(maxSpan), MaxLine(1<<20)); return err },
				"one space":  func() error { _, err := Decode(data, MaxNodes(maxSpan), Strict(false), IndentSize(1)); return err },
				"parse":      func() error { _, err := Parse(data, MaxNodes(maxSpan), RepairCounts()); return err },
				"as default": func() error { _, err := Parse(data); return err },
			} {
				var err error
				got := allocated(func() { err = decode() })
				if limit := 20*uint64(len(data)) + allocationSlack; got > limit {
					t.Errorf("%s: %d bytes for a document of %d, %.1f times as much (%v)",
						mode, got, len(data), float64(got)/float64(len(data)), err)
				}
			}
		})
	}
}

func TestDecode_AnswersBombsWithin100Milliseconds(t *testing.T) {
	for name, doc := range dense(DefaultMaxBytes) {
		t.Run(name, func(t *testing.T) {
			data := []byte(doc)
			for mode, opts := range map[string][]DecodeOption{"strict": nil, "repairing": {RepairCounts()}, "lenient": {Strict(false)}} {
				took, err := fastest(3, func() error {
					v, err := Decode(data, opts...)
					if err == nil {
						_ = v.Interface()
					}
					return err
				})
				if took > raceFactor*100*time.Millisecond {
					t.Errorf("%s: took %v (%v)", mode, took, err)
				}
			}
		})
	}
}

// fastest runs fn until it took less than 100 ms of processor time, at most n
// times: the collector may have old garbage to see to. It returns the shortest
// time.
func fastest(n int, fn func() error) (took time.Duration, err error) {
	for i := range n {
		start := processTime()
		err = fn()
		if d := processTime() - start; i == 0 || d < took {
			took = d
		}
		if took < 100*time.Millisecond {
			break
		}
	}
	return took, err
}

func TestDecode_RefusesWhatExceedsALimit(t *testing.T) {
	deep := func(levels int) string {
		return staircase("a:\n", levels-1, DefaultMaxBytes) + strings.Repeat("  ", levels-1) + "a: 1"
	}
	for _, tc := range []struct {
		name, doc string
		opts      []DecodeOption
		want      string
	}{
		{"bytes", "a: 12345", []DecodeOption{MaxBytes(7)}, "1:1: the document has 8 bytes, the limit is 7"},
		{"line", "a: 1\nb: 12345", []DecodeOption{MaxLine(7)}, "2:1: the line has 8 bytes, the limit is 7"},
		{"depth by default", deep(65), nil, "64:127: nested deeper than 64 levels"},
		{"depth of objects", "a:\n  b: 1", []DecodeOption{MaxDepth(1)}, "1:1: nested deeper than 1 level"},
		{"depth of an empty array", "a: []", []DecodeOption{MaxDepth(1)}, "1:4: nested deeper than 1 level"},
		{"depth of inline values", "a[1]: 1", []DecodeOption{MaxDepth(1)}, "1:2: nested deeper than 1 level"},
		{"depth of rows", "[1]{a}:\n  1", []DecodeOption{MaxDepth(1)}, "1:1: nested deeper than 1 level"},
		{"depth of groups", "[1]{a{b}}:\n  1", []DecodeOption{MaxDepth(2)}, "1:1: nested deeper than 2 levels"},
		{"depth of many groups", "[1]{a{b{c{d}}}}:\n  1", []DecodeOption{MaxDepth(2)}, "1:1: field groups nest too deep"},
		{"depth of an empty item", "[1]:\n  -", []DecodeOption{MaxDepth(1)}, "2:3: nested deeper than 1 level"},
		{"depth of a list item", "[1]:\n  - a: 1", []DecodeOption{MaxDepth(1)}, "2:3: nested deeper than 1 level"},
		{"values", "a: 1\nb: 2\nc: 3", []DecodeOption{MaxNodes(3)}, "3:1: more than 3 values in one document"},
		{"values in line", "[3]: 1,2,3", []DecodeOption{MaxNodes(3)}, "1:1: more than 3 values in one document"},
		{"values in rows", "[2]{a,b}:\n  1,2\n  3,4", []DecodeOption{MaxNodes(5)}, "3:3: more than 5 values in one document"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Decode([]byte(tc.doc), tc.opts...)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("Decode: %v, want a SyntaxError", err)
			}
			syntax.Excerpt, syntax.Hint = "", ""
			if got := syntax.Error(); got != tc.want {
				t.Errorf("got %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestDecode_AcceptsWhatALimitAllows(t *testing.T) {
	for _, tc := range []struct {
		name, doc string
		opts      []DecodeOption
	}{
		{"bytes", "a: 12345", []DecodeOption{MaxBytes(8)}},
		{"line", "a: 1\nb: 12345", []DecodeOption{MaxLine(8)}},
		{"depth by default", staircase("a:\n", 63, DefaultMaxBytes) + strings.Repeat("  ", 63) + "a: 1", nil},
		{"depth", "[1]{a{b}}:\n  1", []DecodeOption{MaxDepth(3)}},
		{"values", "[2]{a,b}:\n  1,2\n  3,4", []DecodeOption{MaxNodes(7)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Decode([]byte(tc.doc), tc.opts...); err != nil {
				t.Error(err)
			}
		})
	}
}

package toon

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// seed adds our own vectors and whole files to a corpus.
func seed(f *testing.F) {
	vectors, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range vectors {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		var file fixtureFile
		if err := json.Unmarshal(data, &file); err != nil {
			f.Fatal(err)
		}
		for _, fx := range file.Tests {
			var text string
			if file.Category == "decode" && json.Unmarshal(fx.Input, &text) == nil {
				f.Add([]byte(text))
			} else if json.Unmarshal(fx.Expected, &text) == nil {
				f.Add([]byte(text))
			}
		}
	}
	for _, pattern := range []string{"testdata/*.toon", "testdata/format/*.toon"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}

// allocationSlack is what any document may cost, however small it is: the
// decoder, the first page of its stacks, the warnings.
const allocationSlack = 48 << 10

// allocated returns the bytes fn allocates.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func checkAllocation(t *testing.T, data []byte) {
	t.Helper()
	for name, decode := range map[string]func(){
		"strict":  func() { _, _ = Decode(data) },
		"lenient": func() { _, _ = Decode(data, Strict(false), IndentSize(1)) },
		"parse":   func() { _, _ = Parse(data, RepairCounts()) },
	} {
		limit := 20*uint64(len(data)) + allocationSlack
		if got := allocated(decode); got > limit {
			t.Errorf("%s: %d bytes allocated for a document of %d, the limit is %d", name, got, len(data), limit)
		}
	}
}

func FuzzDecode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		checkAllocation(t, data)
		for _, opts := range [][]DecodeOption{nil, {Strict(false)}, {RepairCounts()}, {Strict(false), IndentSize(1), MaxDepth(3)}} {
			v, err := Decode(data, opts...)
			if err != nil {
				checkError(t, data, err)
				continue
			}
			text, err := v.MarshalJSON()
			if err != nil || !json.Valid(text) {
				t.Fatalf("MarshalJSON: %v\n%s", err, text)
			}
			_ = v.Interface()
		}
	})
}

// checkError checks that an error says where it is.
func checkError(t *testing.T, data []byte, err error) {
	t.Helper()
	syntax, ok := err.(*SyntaxError)
	if !ok {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	lines := 1 + bytes.Count(data, []byte("\n"))
	if syntax.Line < 1 || syntax.Line > lines || syntax.Column < 1 || syntax.Msg == "" {
		t.Fatalf("an error outside of the %d lines of the document: %v", lines, err)
	}
}

func FuzzRoundTrip(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Decode(data)
		if err != nil {
			return
		}
		for _, delim := range []DelimiterOption{Comma, Tab, Pipe} {
			text, err := Encode(v, Delimiter(delim))
			if err != nil {
				t.Fatalf("Encode: %v", err)
			}
			again, err := Decode(text, MaxLine(1<<20))
			if err != nil {
				t.Fatalf("Decode: %v\n%s", err, text)
			}
			if !same(v, again) {
				t.Fatalf("%s became %s through\n%s", jsonOf(t, v), jsonOf(t, again), text)
			}
			second, err := Encode(again, Delimiter(delim))
			if err != nil || !bytes.Equal(text, second) {
				t.Fatalf("not canonical: %v\n%s\n---\n%s", err, text, second)
			}
		}
	})
}

func FuzzFormat(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := Format(data)
		if err != nil {
			return
		}
		doc, err := Parse(data, RepairCounts(), IndentSize(indentOf(string(data))))
		if err != nil {
			t.Fatalf("Parse refuses what Format reads: %v", err)
		}
		again, err := Parse(once)
		if err != nil {
			t.Fatalf("Parse refuses what Format wrote: %v\n%s", err, once)
		}
		if !same(doc.Root, again.Root) {
			t.Fatalf("%s became %s through\n%s", jsonOf(t, doc.Root), jsonOf(t, again.Root), once)
		}
		if before, after := commentsOf(doc), commentsOf(again); !slices.Equal(before, after) {
			t.Fatalf("comments %q became %q", before, after)
		}
		if len(once) > 0 && (once[len(once)-1] != '\n' || bytes.HasSuffix(once, []byte("\n\n"))) {
			t.Fatalf("does not end with one newline: %q", once)
		}
		if twice, err := Format(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("not idempotent: %v\n%q\n%q", err, once, twice)
		}
	})
}

func commentsOf(doc *Document) []string {
	var texts []string
	for c := range doc.Comments() {
		texts = append(texts, strings.TrimSpace(c.Text))
	}
	return texts
}

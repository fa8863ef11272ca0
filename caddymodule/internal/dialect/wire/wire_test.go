package wire

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// read reads a value as encoding/json would into any.
func read(c *Cursor) any {
	switch c.Kind() {
	case '{':
		m := map[string]any{}
		for key := range c.Members() {
			m[key] = read(c)
		}
		return m
	case '[':
		list := []any{}
		for range c.Elements() {
			list = append(list, read(c))
		}
		return list
	case '"':
		return c.Str()
	}
	var v any
	if json.Unmarshal([]byte(c.Raw()), &v) != nil {
		return nil
	}
	return v
}

var texts = []string{
	`{"a":"b","c":[1,-2.5e3,true,false,null,{}],"d":{"e":[]},"":""}`,
	` { "a" : [ ] , "b" : "\"\\\/\b\f\n\r\té😀\ud800x\udc00" } `,
	`{"a":"\\\\","b":"x\\"}`, `{"a":"ü€😀"}`, `{"a":{"b":{"c":[[[]]]}}}`,
}

func TestCursor_ReadsWhatEncodingJSONReads(t *testing.T) {
	for _, text := range texts {
		var want any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, read(NewCursor(text))); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
}

func TestCursor_ValuesNotReadAreSkipped(t *testing.T) {
	c := NewCursor(`{"a":{"x":["}"]},"b":"\"","c":12 ,"d":7}`)
	for key := range c.Members() {
		if key == "d" && c.Raw() != "7" {
			t.Error("not at d's value")
		}
	}
	if c.Kind() != 0 {
		t.Errorf("stands before %q", c.Kind())
	}
}

func FuzzCursor_AgreesWithEncodingJSON(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"a":"\u12`))
	f.Add([]byte(`{]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := read(NewCursor(string(data))) // must end, and not panic
		if !Valid(data) || !utf8.Valid(data) {
			return
		}
		var want any
		if err := json.Unmarshal(data, &want); err != nil {
			return // numbers out of range
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", data, diff)
		}
	})
}

func FuzzQuote_IsReadBackAsItWas(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\\n\r\t\x00\x1f\x7f", "ü€😀", "\xff\xfeab\xc3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted := Quote(nil, s)
		var got string
		if err := json.Unmarshal(quoted, &got); err != nil {
			t.Fatalf("%q: %v", quoted, err)
		}
		if want := string([]rune(s)); got != want {
			t.Errorf("%q came back as %q", want, got)
		}
		if c := NewCursor(string(quoted)).Str(); c != got {
			t.Errorf("cursor read %q", c)
		}
	})
}

func FuzzCompact_OnlyDropsSpace(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			Compact(data)
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, data); err != nil {
			t.Fatal(err)
		}
		if got := Compact(data); string(got) != want.String() {
			t.Errorf("%s -> %s", data, got)
		}
	})
}

func TestParse_RefusesWhatIsNotOneObject(t *testing.T) {
	for body, want := range map[string]error{
		`{}`: nil, "\xef\xbb\xbf{}": nil, `[]`: ErrObject, `1`: ErrObject, `{`: ErrSyntax, ``: ErrSyntax, `{}{}`: ErrSyntax, `<html>`: ErrObject,
	} {
		if _, err := Parse([]byte(body)); err != want {
			t.Errorf("%q: %v, want %v", body, err, want)
		}
	}
}

func BenchmarkCursor_Text(b *testing.B) {
	text := string(Quote(nil, "1\tfunc f(s string) { return \"<1>\" } // größer\n"))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		NewCursor(text).Str()
	}
}

func BenchmarkQuote(b *testing.B) {
	text := "1\tfunc f(s string) { return \"<1>\" } // größer\n"
	dst := make([]byte, 0, 256)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Quote(dst, text)
	}
}

package audit

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// FuzzVerify reads any bytes as a log: no panic, no report of a good log that
// is not built from records that hold, and the end found is inside the bytes.
func FuzzVerify(f *testing.F) {
	_, _, text := sample(f)
	f.Add(text)
	f.Add(text[:len(text)-20])
	f.Add(bytes.ReplaceAll(text, []byte("\n"), nil))
	f.Add([]byte("{}\n{\"seq\":1}\n\x00\n"))
	f.Add([]byte(strings.Repeat("[", 70000) + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := VerifyExport(bytes.NewReader(data), VerifyOptions{Keys: public, First: 1})
		if err != nil {
			t.Fatal(err)
		}
		if r.OK() && r.Records != bytes.Count(data, []byte("\n")) {
			t.Errorf("%d records in %d lines", r.Records, bytes.Count(data, []byte("\n")))
		}
		for _, accept := range []bool{false, true} {
			end, err := tailOf(data, accept)
			if err == nil && int(end.good)+len(end.torn) != len(data) {
				t.Errorf("the end at %d and %d torn bytes of %d", end.good, len(end.torn), len(data))
			}
			if r.OK() && (err != nil || end.last == nil || end.last.Seq != r.Last || len(end.torn) > 0) {
				t.Errorf("a good log ends at %+v, %v", end, err)
			}
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("plain", 10)
	f.Add("\x1b[2J\u202e\xff\\", 20)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 8 + limit&0xff
		got := clean(s, limit)
		if len(got) > limit+len("…") || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("clean(%q, %d) = %q", s, limit, got)
		}
	})
}

func TestRecord_SurvivesTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.MapOfN(rapid.String(), rapid.String(), 0, 5)
		e := Event{Actor: rapid.String().Draw(t, "actor"), Action: "x" + rapid.String().Draw(t, "action"), Target: rapid.String().Draw(t, "target"),
			Before: fields.Draw(t, "before"), After: fields.Draw(t, "after"), Outcome: rapid.String().Draw(t, "outcome")}
		r, err := e.record()
		if err != nil {
			t.Fatal(err)
		}
		r.Seq, r.Prev = rapid.Uint64().Draw(t, "seq"), noHash
		line, err := r.line()
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil || !p.intact() || p.Hash != r.Hash || p.Actor != r.Actor || p.Target != r.Target || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%s: %+v, %v", line, p, err)
		}
	})
}

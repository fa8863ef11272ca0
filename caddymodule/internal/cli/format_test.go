package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFormat_WritesFiguresForPeople(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(0), "0"}, {number(1234567), "1,234,567"}, {number(-1234), "-1,234"}, {millis(0), "-"}, {millis(12.4), "12 ms"}, {millis(1234), "1.2 s"},
		{percent(nil), "-"}, {percent(new(0.9934)), "99.3%"}, {perSecond(0.016), "0.02"}, {perSecond(12.34), "12.3"},
		{span(59 * time.Second), "59s"}, {span(192 * time.Second), "3m12s"}, {span(125 * time.Minute), "2h5m"}, {span(96 * time.Hour), "4d"},
		{plural(1, "key"), "1 key"}, {plural(2, "key"), "2 keys"}, {listed(nil, "all"), "all"}, {cut("\x1b[31mabcdef\x1b[0m", 3), "\x1b[31mabc\x1b[0m"}, {cut("abc", 3), "abc"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestMoment_TakesAgesDatesAndTimes(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "24h": "24h", "7d": "7d", "2026-11-01": "2026-11-01T00:00:00Z", "today": "2026-11-22T00:00:00Z", "2026-11-22T14:00:00+01:00": "2026-11-22T14:00:00+01:00",
	} {
		if got, err := moment("since", text, noon); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-1h", "0d", "9999d", "2026-13-01", "1"} {
		if _, err := moment("since", text, noon); CodeOf(err) != Usage {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestClean_LeavesNothingThatMovesTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := clean(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x1b[2J", "a\u202eb", "x\r\ny", "\xff\xfe"})).Draw(t, "text"))
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\r\n\t\u202e\x00\u009b") {
			t.Errorf("left %q", text)
		}
	})
}

func TestTable_ColumnsStandUnderTheirHeads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := table{head: []string{"a", "\tb", "c"}}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			tab.row(rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b"), cell{"end", Red})
		}
		var b bytes.Buffer
		if err := tab.write(&b, Painter(&b)); err != nil {
			t.Fatal(err)
		}
		at := -1
		for i, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
			column := utf8.RuneCountInString(line) - len("end")
			if i == 0 {
				at = utf8.RuneCountInString(line) - len("C")
			} else if column != at {
				t.Fatalf("line %d ends at %d, its head at %d:\n%s", i, column, at, b.String())
			}
		}
	})
}

func TestTop_KeepsToTheHeightOfTheScreen(t *testing.T) {
	b := newBench(t)
	b.host.defaults()
	var out bytes.Buffer
	root := b.root()
	cmd, _, _ := root.Find([]string{"top"})
	s := &session{host: &b.host, cmd: cmd, ctx: t.Context(), out: &out, paint: Painter(&out)}
	if err := s.frame(&out, 18); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines > 18 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
	out.Reset()
	if err := s.draw(); err != nil || !strings.HasPrefix(out.String(), screenHome) || !strings.HasSuffix(out.String(), screenRest) {
		t.Errorf("%v: %q", err, out.String())
	}
}

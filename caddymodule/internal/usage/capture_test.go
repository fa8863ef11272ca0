package usage

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func capture(t *testing.T, o CaptureOptions) *Capture {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "texts.db")
	}
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	o.Logger = quiet("").Logger
	c, err := StartCapture(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func get(t *testing.T, c *Capture, id string) []Captured {
	t.Helper()
	out, err := c.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCapture_KeepsTextsCutAndWithoutKeys(t *testing.T) {
	c := capture(t, CaptureOptions{MaxItem: 40})
	long := []byte("The whole text is longer than forty bytes, and so it is cut.")
	put(c, "req_1", "request", []byte(`{"key":"sk-ant-api03-abcdef1234567890"}`))
	put(c, "req_1", "answer", long)
	put(c, "req_2", "request", nil)
	long[0] = 'X' // the capture has its own copy
	want := []Captured{
		{RequestID: "req_1", Kind: "request", At: noon, Size: 39, Text: []byte(`{"key":"[removed]"}`)},
		{RequestID: "req_1", Kind: "answer", At: noon, Size: 60, Cut: true, Text: []byte("The whole text is longer than forty ")},
	}
	if d := cmp.Diff(want, get(t, c, "req_1")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got := get(t, c, "req_none"); len(got) != 0 {
		t.Errorf("texts of an unknown request: %v", got)
	}
}

func TestCapture_TooManyBytesWaitingAreDroppedAndCounted(t *testing.T) {
	c := capture(t, CaptureOptions{Pending: 1000})
	release := holdWriter(&c.keeper)
	took := 0
	for range 20 {
		if put(c, "req", "request", bytes.Repeat([]byte("x "), 50)) {
			took++
		}
	}
	release()
	if got := len(get(t, c, "req")); took != 10 || got != 10 || c.Health().Dropped != 10 {
		t.Errorf("%d taken, %d kept, %d dropped; want 10 each", took, got, c.Health().Dropped)
	}
}

func TestCapture_HasItsOwnRetention(t *testing.T) {
	clk := &clock{at: noon}
	c := capture(t, CaptureOptions{Now: clk.now, Retention: time.Hour, MaxSize: 1 << 20})
	put(c, "old", "request", []byte("old text"))
	get(t, c, "old")
	run := func() {
		t.Helper()
		_ = c.keeper.ask(t.Context(), func() error { c.keeper.tidy(); return nil })
	}
	run()
	for range 70 {
		clk.set(clk.now().Add(time.Minute))
		run()
	}
	put(c, "new", "request", []byte("new text"))
	if len(get(t, c, "old")) != 0 || len(get(t, c, "new")) != 1 {
		t.Error("the old text is still there, or the new one is not")
	}
	for range 30 {
		put(c, "big", "request", bytes.Repeat([]byte("0 "), 100<<10))
		get(t, c, "big")
	}
	for range 5 {
		run()
	}
	if h := c.Health(); h.Live > 1<<20 || h.Size > 2<<20 {
		t.Errorf("%d bytes in use, %d in all; want at most 1 MiB", h.Live, h.Size)
	}
}

func TestCapture_WhatItKeepsCanBeChangedWhileItIsAtWork(t *testing.T) {
	clk := &clock{at: noon}
	c := capture(t, CaptureOptions{MaxItem: 4, Retention: -1, Now: clk.now})
	put(c, "req", "request", []byte("whole text"))
	get(t, c, "req") // written
	c.Configure(20, time.Hour)
	clk.set(noon.Add(30 * time.Minute))
	put(c, "req", "answer", []byte("whole text"))
	if got := get(t, c, "req"); len(got) != 2 || string(got[0].Text) != "whol" || string(got[1].Text) != "whole text" || c.Longest() != 20 {
		t.Errorf("%+v, at most %d bytes", got, c.Longest())
	}
	clk.set(noon.Add(61 * time.Minute))
	_ = c.keeper.ask(t.Context(), func() error { c.keeper.tidy(); return nil })
	if got := get(t, c, "req"); len(got) != 1 || got[0].Kind != "answer" {
		t.Errorf("after an hour: %+v", got)
	}
}

func TestCapture_RefusesALedgersFile(t *testing.T) {
	path := written(t, 1)
	c, err := StartCapture(CaptureOptions{Path: path, Logger: quiet("").Logger})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "req"); err == nil || !strings.Contains(err.Error(), "another path") {
		t.Errorf("Get from a ledger's file: %v", err)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if put(c, "req", "request", nil) {
		t.Error("a closed capture took a text")
	}
	if _, err := c.Get(t.Context(), "req"); !errors.Is(err, ErrClosed) {
		t.Errorf("Get from a closed capture: %v", err)
	}
}

func TestRedact(t *testing.T) {
	random := strings.Repeat("a1B2c3D4e5", 5)
	for _, c := range []struct{ name, text, want string }{
		{"plain words stay", "The password for the basic example is secret, said the bearer of it.", "The password for the basic example is secret, said the bearer of it."},
		{"a key in a sentence", "use sk-proj-abcdef123456789 now", "use [removed] now"},
		{"a key behind an escape", `{"text":"line\nsk-abcdef123456789\tnext"}`, `{"text":"line\n[removed]\tnext"}`},
		{"a key behind a unicode escape", `"\u000ask-abcdef123456789"`, `"\u000a[removed]"`},
		{"a key behind a backslash that escapes nothing", `C:\sk-abcdef123456789`, `C:\[removed]`},
		{"a field named api_key", `{"api_key": "hunter22", "model":"coder"}`, `{"api_key": "[removed]", "model":"coder"}`},
		{"an escaped field", `"{\"password\":\"hunter22\"}"`, `"{\"password\":\"[removed]\"}"`},
		{"an assignment", "PASSWORD=correcthorse make", "PASSWORD=[removed] make"},
		{"a bearer token", "Authorization: Bearer abc123def", "Authorization: Bearer [removed]"},
		{"basic credentials", "Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [removed]"},
		{"a long random word", "token " + random, "token [removed]"},
		{"a very long random word", strings.Repeat(random, 40), "[removed]"},
		{"a key deep in a very long word", strings.Repeat("a", 700) + "sk-ant-api03-abcdef1234567890", "[removed]"},
		{"a very long line stays", strings.Repeat("-", 900), strings.Repeat("-", 900)},
		{"an address inside", "see 10.1.2.3 there", "see [removed] there"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(redact([]byte(c.text))); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func FuzzRedact_KnownKeysNeverStay(f *testing.F) {
	f.Add("text before ", " and after")
	f.Add(`{"a":"\n`, `\n"}`)
	f.Add("password: ", "")
	f.Fuzz(func(t *testing.T, before, after string) {
		const key = "sk-ant-api03-abcdef1234567890abcdef"
		got := redact([]byte(before + key + after))
		if bytes.Contains(got, []byte("abcdef1234567890abcdef")) {
			t.Errorf("%q is left in %q", key, got)
		}
		text := []byte(before + after)
		for n := range min(len(text), 50) {
			head := beginning(text, n)
			if len(head) > n || !bytes.HasPrefix(text, head) || utf8.Valid(text) && !utf8.Valid(head) {
				t.Errorf("the first %d bytes of %q: %q", n, text, head)
			}
		}
	})
}

// put puts a whole text and reports whether it found room.
func put(c *Capture, id, kind string, text []byte) bool {
	before := c.Health().Dropped
	c.Put(id, kind, text, int64(len(text)))
	return c.Health().Dropped == before
}

package sse

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// got is an Event as a test compares it.
type got struct {
	Type, Data, ID        string
	Comment, Unterminated bool
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// readAll returns the events of r, and their Raws put together. It leaves out
// what legally depends on the chunking: at the end of the stream, the LF of a
// CRLF whose CR already ended the last event.
func readAll(t fataler, r *Reader) (events []got, raw string) {
	t.Helper()
	for {
		ev, err := r.Next()
		if err == io.EOF {
			return events, raw
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		late := string(ev.Raw) == "\n" && strings.HasSuffix(raw, "\r")
		raw += string(ev.Raw)
		if late {
			continue
		}
		events = append(events, got{string(ev.Type), string(ev.Data), string(ev.ID), ev.Comment, ev.Unterminated})
	}
}

func TestReader_FollowsTheStandardsGrammar(t *testing.T) {
	tests := []struct {
		name, in string
		want     []got
	}{
		{"LF", "data: a\n\ndata: b\n\n", []got{{Data: "a"}, {Data: "b"}}},
		{"CRLF", "event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n", []got{{Type: "x", Data: "a"}, {Data: "b"}}},
		{"CR", "data: a\r\rdata: b\r\r", []got{{Data: "a"}, {Data: "b"}}},
		{"mixed line ends", "event: x\rdata: a\n\r\ndata: b\r\n\n", []got{{Type: "x", Data: "a"}, {Data: "b"}}},
		{"no space after the colon", "data:a\nevent:x\n\n", []got{{Type: "x", Data: "a"}}},
		{"only one space is taken off", "data:  a \n\n", []got{{Data: " a "}}},
		{"several data lines", "data: a\ndata:\ndata: b\n\n", []got{{Data: "a\n\nb"}}},
		{"data line without colon", "data\n\n", []got{{}}},
		{"empty data is an event", "data:\n\n", []got{{}}},
		{"comment", ": keep-alive\n\n", []got{{Comment: true}}},
		{"comment inside an event", ": c\ndata: a\n: d\n\n", []got{{Data: "a"}}},
		{"event without data", "event: ping\n\n", []got{{Type: "ping", Comment: true}}},
		{"the last event field wins", "event: a\nevent: b\ndata: x\n\n", []got{{Type: "b", Data: "x"}}},
		{"id", "id: 7\ndata: x\n\n", []got{{ID: "7", Data: "x"}}},
		{"id with NUL is ignored", "id: 7\x00\ndata: x\n\n", []got{{Data: "x"}}},
		{"unknown fields and retry", "retry: 10\nfoo: bar\ndatabase: 1\ndata: x\n\n", []got{{Data: "x"}}},
		{"byte order mark", "\xef\xbb\xbfdata: x\n\n", []got{{Data: "x"}}},
		{"only the first mark is one", "\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", []got{{Comment: true}}},
		{"extra blank line", "\ndata: x\n\n\n", []got{{Comment: true}, {Data: "x"}, {Comment: true}}},
		{"cut after data", "data: x\n\ndata: [DONE]", []got{{Data: "x"}, {Data: "[DONE]", Unterminated: true}}},
		{"cut before the blank line", "data: [DONE]\n", []got{{Data: "[DONE]", Unterminated: true}}},
		{"cut comment", ": x", []got{{Comment: true, Unterminated: true}}},
		{"empty", "", nil},
		{"mark only", "\xef\xbb\xbf", nil},
	}
	for _, tt := range tests {
		for way, wrap := range chunkings {
			t.Run(tt.name+"/"+way, func(t *testing.T) {
				r := NewReader(wrap(strings.NewReader(tt.in)), Options{})
				defer r.Close()
				events, raw := readAll(t, r)
				if diff := cmp.Diff(tt.want, events); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if want := strings.TrimPrefix(tt.in, "\xef\xbb\xbf"); raw != want {
					t.Errorf("raws: got %q, want %q", raw, want)
				}
			})
		}
	}
}

var chunkings = map[string]func(io.Reader) io.Reader{
	"whole":         func(r io.Reader) io.Reader { return r },
	"half":          iotest.HalfReader,
	"data with EOF": iotest.DataErrReader,
}

// chunked hands out a stream in pieces of the given sizes, repeatedly.
type chunked struct {
	rest  []byte
	sizes []int
	i     int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := min(c.sizes[c.i%len(c.sizes)], len(p), len(c.rest))
	c.i++
	copy(p, c.rest[:n])
	c.rest = c.rest[n:]
	return n, nil
}

var streamGen = rapid.Custom(func(t *rapid.T) string {
	piece := rapid.SampledFrom([]string{
		"data: ", "data:", "event: x", "id: 1", ": c", "a", "ü", "\xef\xbb\xbf", "\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "\r\r", "{}", ":", " ",
	})
	return strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "pieces"), "")
})

func TestReader_AnyChunkingGivesTheSameEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := streamGen.Draw(t, "stream")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 7), 1, 9).Draw(t, "sizes")
		whole, raw := readAll(t, NewReader(strings.NewReader(in), Options{}))
		pieces, rawPieces := readAll(t, NewReader(&chunked{rest: []byte(in), sizes: sizes}, Options{}))
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Fatalf("%q in pieces of %v (-whole +pieces):\n%s", in, sizes, diff)
		}
		if want := strings.TrimPrefix(in, "\xef\xbb\xbf"); raw != want || rawPieces != want {
			t.Fatalf("raws of %q: whole %q, pieces %q", in, raw, rawPieces)
		}
	})
}

func TestReader_EventsLargerThanTheBufferSurviveItsGrowth(t *testing.T) {
	var in strings.Builder
	var want []got
	for i := range 12 {
		big := strings.Repeat("x", 1000<<(i%11))
		in.WriteString("event: e\nid: 1\ndata: " + big + "\ndata: 2\n\n")
		want = append(want, got{Type: "e", ID: "1", Data: big + "\n2"})
	}
	for _, sizes := range [][]int{{1 << 20}, {1000, 7, 4096}, {333}} {
		r := NewReader(&chunked{rest: []byte(in.String()), sizes: sizes}, Options{})
		events, raw := readAll(t, r)
		r.Close()
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("sizes %v: events differ:\n%.300s", sizes, diff)
		}
		if raw != in.String() {
			t.Errorf("sizes %v: raws differ from the stream", sizes)
		}
	}
}

func TestReader_CapIsExact(t *testing.T) {
	const limit = 10000
	event := func(size int) string {
		return "data: " + strings.Repeat("x", size-len("data: \n\n")) + "\n\n"
	}
	for _, tt := range []struct {
		name string
		in   string
		ok   bool
	}{
		{"one below", event(limit - 1), true},
		{"at the cap", event(limit), true},
		{"one above", event(limit + 1), false},
		{"never ends", strings.Repeat("y", 3*limit), false},
		{"after small ones", event(20) + event(20) + event(limit), true},
	} {
		for _, sizes := range [][]int{{1 << 20}, {1}, {997}} {
			r := NewReader(&chunked{rest: []byte(tt.in), sizes: sizes}, Options{MaxEvent: limit})
			var err error
			for err == nil {
				_, err = r.Next()
			}
			var large *TooLargeError
			if tt.ok && err != io.EOF || !tt.ok && !errors.As(err, &large) {
				t.Errorf("%s, pieces of %v: %v", tt.name, sizes, err)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("%s: error changed from %v to %v", tt.name, err, again)
			}
			r.Close()
		}
	}
}

func TestReader_BufferIsBoundedByTheCap(t *testing.T) {
	const limit = 3 << 20
	r := NewReader(&endless{text: "x"}, Options{MaxEvent: limit})
	defer r.Close()
	largest := 0
	for r.err == nil {
		r.fill()
		largest = max(largest, len(r.buf))
		if r.parse() || r.end > r.max {
			break
		}
	}
	if largest != limit+smallBuffer {
		t.Errorf("buffer grew to %d bytes, want %d", largest, limit+smallBuffer)
	}
}

func TestReader_ReturnsAnEventAsSoonAsItsBlankLineIsIn(t *testing.T) {
	for _, in := range []string{"data: x\n\n", "data: x\r\n\r\n", "data: x\r\r", "data: x\r\n\r", "data: x\n\r", ": c\n\n"} {
		src, far := io.Pipe()
		go far.Write([]byte(in))
		r := NewReader(src, Options{})
		ev, err := r.Next() // blocks for ever if it wants one byte more
		if err != nil || string(ev.Raw) != in {
			t.Errorf("%q: got %q, %v", in, ev.Raw, err)
		}
		r.Close()
		src.Close()
	}
}

func TestReader_PassesOnTheErrorOfTheSource(t *testing.T) {
	broken := errors.New("connection reset")
	r := NewReader(io.MultiReader(strings.NewReader("data: a\n\ndata: b"), iotest.ErrReader(broken)), Options{})
	defer r.Close()
	if ev, err := r.Next(); err != nil || string(ev.Data) != "a" {
		t.Fatalf("first event: %v, %v", ev, err)
	}
	if _, err := r.Next(); err != broken {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestReader_GivesUpOnASourceThatMakesNoProgress(t *testing.T) {
	r := NewReader(idle{}, Options{})
	defer r.Close()
	if _, err := r.Next(); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestReader_BufferedCountsWhatIsReadAhead(t *testing.T) {
	r := NewReader(strings.NewReader("data: a\n\ndata: b\n\n"), Options{})
	if _, err := r.Next(); err != nil || r.Buffered() != len("data: b\n\n") {
		t.Errorf("buffered %d, %v", r.Buffered(), err)
	}
	r.Close()
	r.Close()
	if _, err := r.Next(); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}

func TestReader_GivesAnOvergrownBufferBackBetweenEvents(t *testing.T) {
	big := "data: " + strings.Repeat("x", 4*largeBuffer) + "\n\n"
	r := NewReader(io.MultiReader(strings.NewReader(big), strings.NewReader("data: y\n\n")), Options{})
	defer r.Close()
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.buf) > largeBuffer {
		t.Errorf("a small event is held in %d bytes", len(r.buf))
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("event: a\r\ndata: b\r\n\r\n: c\n\ndata: d"), uint8(3))
	f.Add([]byte("\xef\xbb\xbfdata\r\r\n\n"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		whole, raw := readAll(t, NewReader(bytes.NewReader(in), Options{}))
		pieces, rawPieces := readAll(t, NewReader(&chunked{rest: in, sizes: []int{int(size%9) + 1, 1}}, Options{}))
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Errorf("chunking changes the events of %q:\n%s", in, diff)
		}
		if want := string(bytes.TrimPrefix(in, []byte("\xef\xbb\xbf"))); raw != want || rawPieces != want {
			t.Errorf("raws of %q: whole %q, pieces %q", in, raw, rawPieces)
		}
	})
}

func TestReader_ReadyKnowsAWholeEventFromAPart(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		text := strings.ReplaceAll("data: 1\n\ndata: 2\n\ndata: 3\n", "\n", end)
		r := NewReader(strings.NewReader(text), Options{})
		var ready []bool
		for range 2 {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			ready = append(ready, r.Ready())
		}
		if !ready[0] || ready[1] {
			t.Errorf("with line ends %q: ready %v, want true, then false", end, ready)
		}
		r.Close()
	}
}

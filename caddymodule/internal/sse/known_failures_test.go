package sse

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestKnownFailure_21_LongLinesDoNotEndTheStream(t *testing.T) {
	for _, size := range []int{64 << 10, 1 << 20, DefaultMaxEvent - len("data: \n\n")} {
		in := "data: " + strings.Repeat("x", size) + "\n\ndata: next\n\n"
		r := NewReader(strings.NewReader(in), Options{})
		ev, err := r.Next()
		if err != nil || len(ev.Data) != size {
			t.Errorf("%d bytes: %v", size, err)
		}
		if ev, err := r.Next(); err != nil || string(ev.Data) != "next" {
			t.Errorf("after %d bytes: %v", size, err)
		}
		r.Close()
	}
}

func TestKnownFailure_22_RunesAndLineEndsMayBeCutAnywhere(t *testing.T) {
	in := "data: {\"a\":\"ü😀\"}\r\nevent: x\r\ndata: 2\r\n\r\n: c\r\n\r\ndata: end\r\n\r\n"
	want := []got{{Type: "x", Data: "{\"a\":\"ü😀\"}\n2"}, {Comment: true}, {Data: "end"}}
	for at := range len(in) {
		events, raw := readAll(t, NewReader(io.MultiReader(strings.NewReader(in[:at]), strings.NewReader(in[at:])), Options{}))
		if len(events) != len(want) || events[0] != want[0] || events[1] != want[1] || events[2] != want[2] || raw != in {
			t.Fatalf("cut at %d: %+v", at, events)
		}
	}
}

// paced delivers one byte a second.
type paced struct{ rest string }

func (p *paced) Read(b []byte) (int, error) {
	if p.rest == "" {
		return 0, io.EOF
	}
	time.Sleep(time.Second)
	b[0] = p.rest[0]
	p.rest = p.rest[1:]
	return 1, nil
}

func TestKnownFailure_25_EventsArriveWithTheirLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const event = "data: x\n\n"
		begin := time.Now()
		r := NewReader(&paced{strings.Repeat(event, 5)}, Options{})
		defer r.Close()
		var out strings.Builder
		var flushed time.Duration
		w := NewWriter(&out, func() error { flushed = time.Since(begin); return nil })
		for n := 1; n <= 5; n++ {
			ev, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if err := w.WriteRaw(ev.Raw); err != nil {
				t.Fatal(err)
			}
			if want := time.Duration(n*len(event)) * time.Second; flushed != want || out.Len() != n*len(event) {
				t.Errorf("event %d: %d bytes out after %v, want %v", n, out.Len(), flushed, want)
			}
		}
	})
}

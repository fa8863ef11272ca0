package sse

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestWriter_FlushesOncePerEvent(t *testing.T) {
	var out bytes.Buffer
	flushes := 0
	w := NewWriter(&out, func() error { flushes++; return nil })
	steps := []struct {
		do   func() error
		want string
	}{
		{func() error { return w.WriteEvent("ping", []byte(`{}`)) }, "event: ping\ndata: {}\n\n"},
		{func() error { return w.WriteEvent("", []byte("a\r\nb\rc\nd")) }, "data: a\ndata: b\ndata: c\ndata: d\n\n"},
		{func() error { return w.WriteEvent("x\nid: 1", nil) }, "event: x\ndata: \n\n"},
		{func() error { return w.Comment("keep-alive") }, ": keep-alive\n\n"},
		{func() error { return w.Comment("a\r\ndata: b") }, ": a\n: \n: data: b\n\n"},
		{func() error { return w.WriteRaw([]byte("data: raw\r\n\r\n")) }, "data: raw\r\n\r\n"},
	}
	for i, s := range steps {
		out.Reset()
		if err := s.do(); err != nil || out.String() != s.want || flushes != i+1 {
			t.Errorf("step %d: wrote %q, %d flushes, %v; want %q", i, out.String(), flushes, err, s.want)
		}
	}
}

func TestWriter_ReportsAFailedWriteOrFlush(t *testing.T) {
	gone := errors.New("client gone")
	if err := NewWriter(sink{gone}, nil).WriteEvent("x", nil); err != gone {
		t.Errorf("write: %v", err)
	}
	if err := NewWriter(sink{}, func() error { return gone }).Comment("x"); err != gone {
		t.Errorf("flush: %v", err)
	}
}

type sink struct{ err error }

func (s sink) Write(p []byte) (int, error) { return len(p), s.err }

func TestAppendEvent_IsReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := rapid.StringMatching(`[a-z._]{0,12}`).Draw(t, "event")
		data := rapid.StringMatching(`[a-z\n{}": ]{0,30}`).Draw(t, "data")
		ev, err := NewReader(bytes.NewReader(AppendEvent(nil, event, []byte(data))), Options{}).Next()
		if err != nil || string(ev.Type) != event || string(ev.Data) != data || ev.Unterminated {
			t.Fatalf("%q %q read back as %q %q, %v", event, data, ev.Type, ev.Data, err)
		}
	})
}

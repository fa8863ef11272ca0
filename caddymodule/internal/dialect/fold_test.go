package dialect_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/anthropic"
	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
	"github.com/aimux/aimux/caddymodule/internal/dialect/responses"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
)

// dialects is the register the tests of the matrix walk.
var dialects = dialect.NewSet(anthropic.New(), openai.Chat{}, responses.New())

var names = []llm.Dialect{llm.Anthropic, llm.OpenAI, llm.Responses}

// decodeStream reads a whole stream into events.
func decodeStream(d dialect.Dialect, stream []byte) ([]llm.Event, error) {
	r := sse.NewReader(bytes.NewReader(stream), sse.Options{})
	defer r.Close()
	dec := d.NewStreamDecoder()
	var events []llm.Event
	for {
		ev, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dec.Close(events), nil
		}
		if err != nil {
			return events, err
		}
		own := *ev
		own.Data = bytes.Clone(ev.Data)
		if events, err = dec.Decode(events, &own); err != nil {
			return events, err
		}
	}
}

// encodeStream writes events for a client.
func encodeStream(d dialect.Dialect, r *llm.Request, events []llm.Event) []byte {
	enc := d.NewStreamEncoder(r)
	var out []byte
	for i := range events {
		out = enc.Encode(out, &events[i])
	}
	return out
}

// fold puts a stream's events together into the answer they stand for, and
// fails if they break the rules of llm.Event.
func fold(t testing.TB, events []llm.Event) (*llm.Response, *llm.Error) {
	t.Helper()
	f := folder{t: t, open: -1}
	for i := range events {
		f.add(&events[i])
	}
	if f.answer == nil && f.err == nil || !f.ended {
		t.Fatal("the stream neither finished nor failed")
	}
	return f.answer, f.err
}

type folder struct {
	t      testing.TB
	answer *llm.Response
	err    *llm.Error
	open   int
	ended  bool
	text   []byte
}

func (f *folder) add(ev *llm.Event) {
	f.t.Helper()
	if f.ended {
		f.t.Fatalf("event %d after the end", ev.Type)
	}
	switch ev.Type {
	case llm.EventStart:
		if f.answer != nil {
			f.t.Fatal("two starts")
		}
		a := *ev.Response
		f.answer = &a
	case llm.EventBlockStart:
		if f.answer == nil || f.open >= 0 || ev.Index != len(f.answer.Blocks) {
			f.t.Fatalf("block %d opened out of order", ev.Index)
		}
		b := *ev.Block
		if b.Call != nil {
			c := *b.Call
			b.Call = &c
		}
		f.answer.Blocks, f.open, f.text = append(f.answer.Blocks, b), ev.Index, nil
	case llm.EventDelta, llm.EventSignature, llm.EventBlockStop:
		if f.open != ev.Index {
			f.t.Fatalf("event %d for block %d, open is %d", ev.Type, ev.Index, f.open)
		}
		f.block(ev)
	case llm.EventFinish:
		f.ended = true
		f.answer.Stop, f.answer.StopText = ev.Stop, ev.StopText
		if ev.Usage != nil {
			f.answer.Usage = *ev.Usage
		}
	case llm.EventError:
		f.ended, f.err = true, ev.Err
	}
}

func (f *folder) block(ev *llm.Event) {
	b := &f.answer.Blocks[f.open]
	switch ev.Type {
	case llm.EventDelta:
		f.text = append(f.text, ev.Text...)
	case llm.EventSignature:
		b.Signature += ev.Signature
	case llm.EventBlockStop:
		f.open = -1
		switch {
		case b.Call == nil:
			b.Text += string(f.text)
		case b.Call.Custom:
			b.Call.Text += string(f.text)
		case len(f.text) == 0:
			b.Call.Input = []byte("{}")
		default:
			b.Call.Input = f.text
		}
		if ev.Block != nil && b.Signature == "" {
			b.Signature, b.Citations = ev.Block.Signature, ev.Block.Citations
		}
	}
}

package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/jsonscan"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/tidwall/gjson"
)

// maxHeld bounds what is held back before the commit point.
const maxHeld = 1 << 20

// relay delivers an event stream. Events are held until the first that bears
// content; from there on each goes to the client as it comes.
func (a *try) relay() *failover.Verdict {
	reader := sse.NewReader(a.answer.Body, sse.Options{MaxEvent: a.gateway.Limits.Event})
	defer reader.Close()
	if !a.Stream {
		return a.aggregate(reader)
	}
	if v := a.prepare(); v != nil {
		return v
	}
	for {
		ev, err := reader.Next()
		if err != nil {
			return a.streamEnded(err)
		}
		// Events that came together go out together; a flush costs more than
		// all the rest of an event.
		a.more = reader.Ready()
		done, v := a.event(ev)
		if done || v != nil {
			return v
		}
	}
}

// prepare makes the encoder and decoder of a translated stream.
func (a *try) prepare() *failover.Verdict {
	if !a.translates() {
		return nil
	}
	asked, e := a.common()
	if e != nil {
		return &failover.Verdict{Class: llm.ClassBadRequest, Reason: failover.ReasonClientFault, Message: e.Message, Err: e}
	}
	a.decoder, a.encoder = a.upstream.NewStreamDecoder(), a.dialect.NewStreamEncoder(asked)
	return nil
}

// event handles one event. done says that the stream has ended well.
func (a *try) event(ev *sse.Event) (done bool, v *failover.Verdict) {
	in := a.upstream.Inspect(ev)
	a.finished = a.finished || in.Finished
	if in.Kind == dialect.EventContent {
		a.pieces++
	}
	if in.Usage != nil {
		a.usage.Update(*in.Usage)
	}
	if in.Kind == dialect.EventError {
		return true, a.failedEvent(ev, in.Err)
	}
	if ev.Unterminated && in.Kind != dialect.EventTerminal {
		return false, nil // cut in the middle of an event: streamEnded follows
	}
	if in.Kind != dialect.EventPing {
		a.answer.Progress()
	}
	if in.Kind == dialect.EventPreamble {
		a.rememberEvent(ev.Data)
	}
	if in.UsageOnly && a.asked { // the client did not ask for it
		v := a.pass() // what came before may wait to go out with it
		return v != nil, v
	}
	if err := a.convert(ev, in.Kind); err != nil {
		return true, a.broken(failover.Answer{Body: append([]byte(nil), ev.Data...), Err: err, Phase: failover.PhaseBody, InStream: true})
	}
	if !a.content && (in.Kind == dialect.EventContent || in.Kind == dialect.EventTerminal) {
		a.seen()
		a.commit()
		a.pingByEncoder()
	}
	if in.Kind == dialect.EventTerminal {
		a.more = false
	}
	if v := a.pass(); v != nil {
		return true, v
	}
	if in.Kind == dialect.EventTerminal {
		a.drain()
		return true, nil
	}
	return false, nil
}

// convert appends an event's bytes for the client to out.
func (a *try) convert(ev *sse.Event, kind dialect.EventKind) error {
	if a.decoder == nil {
		if err := legible(ev, kind); err != nil {
			return err
		}
		a.passEvent(ev)
		return nil
	}
	events, err := a.decoder.Decode(a.events[:0], ev)
	a.encodeEvents(events)
	return err
}

// legible returns an error if an event's data is not the JSON object that it
// should be: clients that parse it would fail on it in their own ways, and
// those that skip it would lose a piece of the answer in silence. Of what is
// not meant to be JSON, the mark [DONE] passes, and text under a name that no
// client looks for.
func legible(ev *sse.Event, kind dialect.EventKind) error {
	switch {
	case kind == dialect.EventPing:
		return nil
	case kind == dialect.EventTerminal && bytes.HasPrefix(ev.Data, []byte("[")):
		return nil
	case kind == dialect.EventOther && len(ev.Type) > 0 && (len(ev.Data) == 0 || ev.Data[0] != '{'):
		return nil
	}
	if err := jsonscan.Check(ev.Data, jsonscan.MaxDepth); err != nil {
		return fmt.Errorf("an event of the provider's stream: %w", err)
	}
	return nil
}

// passEvent appends an event as it came. Line ends that are CR alone are legal,
// but clients that split lines at LF would see no line at all.
func (a *try) passEvent(ev *sse.Event) {
	if !ev.Comment {
		a.passed++
	}
	if bytes.IndexByte(ev.Raw, '\r') >= 0 && bytes.IndexByte(ev.Raw, '\n') < 0 {
		if !ev.Comment {
			a.out = sse.AppendEvent(a.out, string(ev.Type), ev.Data)
		}
		return
	}
	if a.content && len(a.out) == 0 && !ev.Unterminated {
		a.out = ev.Raw // nothing is held back: no need for a copy
		return
	}
	a.out = append(a.out, ev.Raw...)
	if ev.Unterminated {
		a.out = append(a.out, "\n\n"...)
	}
}

func (a *try) encodeEvents(events []llm.Event) {
	a.send.encoded(func() {
		for i := range events {
			a.out = a.encoder.Encode(a.out, &events[i])
		}
	})
	a.events = events[:0]
}

// pingByEncoder lets a translated stream's pings come from its encoder: in the
// Responses dialect they have numbers.
func (a *try) pingByEncoder() {
	if a.encoder != nil {
		a.send.pingBy(func(dst []byte) []byte { return a.encoder.Encode(dst, &llm.Event{Type: llm.EventPing}) })
	}
}

// pass sends what out holds, once the exchange is committed.
func (a *try) pass() *failover.Verdict {
	if !a.content {
		if len(a.out) > maxHeld {
			return a.judge(failover.Answer{Err: errors.New("too much preamble without content"), Phase: failover.PhaseBody, InStream: true})
		}
		return nil
	}
	err := a.send.write(a.out, a.more)
	if a.out = a.out[:0]; a.decoder == nil {
		a.out = nil // it may be the reader's
	}
	if err != nil {
		return a.gone()
	}
	return nil
}

// drain lets the connection be used again once the provider ends the body.
func (a *try) drain() {
	a.flushDecoder()
	a.drained = true
	a.answer.Drain()
}

// flushDecoder sends what a translated stream still owes at its end.
func (a *try) flushDecoder() {
	if a.decoder == nil {
		return
	}
	a.encodeEvents(a.decoder.Close(a.events[:0]))
	if len(a.out) > 0 {
		_ = a.send.write(a.out, false)
		a.out = a.out[:0]
	}
}

// failedEvent handles a failure reported inside the stream. Before the commit
// point it is judged like an answer of its own.
func (a *try) failedEvent(ev *sse.Event, e *llm.Error) *failover.Verdict {
	a.sent = false // it has refused the request, if late
	v := a.judge(failover.Answer{Body: append([]byte(nil), ev.Data...), InStream: true, Phase: failover.PhaseBody})
	if !a.send.committed() {
		return v
	}
	if a.translates() || !reportsFailure(a.Dialect, ev.Data) {
		a.tell(e)
		return v
	}
	a.out = append(a.out, ev.Raw...)
	_ = a.send.write(a.out, false)
	return v
}

// reportsFailure reports whether clients take an event for a failure. Some
// vendors only name it as the reason why the model stopped, which clients
// overlook; and Codex overlooks the Responses event "error", so that only
// response.failed counts.
func reportsFailure(d llm.Dialect, data []byte) bool {
	event := gjson.ParseBytes(data)
	if d == llm.Responses {
		return event.Get("response.error").Exists()
	}
	return event.Get("error").Exists() || event.Get("type").Str == "error"
}

// streamEnded handles the end of the body without the terminal event. It is
// never taken for a whole answer in silence, unless the model had said why it
// stopped and only the mark after it is missing.
func (a *try) streamEnded(err error) *failover.Verdict {
	if err == io.EOF && a.finished && a.send.committed() && a.upstream.Name() == llm.OpenAI {
		a.flushDecoder()
		return nil
	}
	answer := failover.Answer{Err: io.ErrUnexpectedEOF, Phase: failover.PhaseBody, InStream: true}
	if err != io.EOF {
		failed := transportAnswer(err)
		answer.Err = failed.Err
	}
	return a.broken(answer)
}

// broken judges a stream that cannot go on. A client that has seen content of
// it is told, in its own dialect.
func (a *try) broken(answer failover.Answer) *failover.Verdict {
	v := a.judge(answer)
	if !a.send.committed() {
		return v
	}
	switch {
	case v.Class != llm.ClassCanceled:
		a.tell(&llm.Error{Class: llm.ClassTransient, Type: llm.ErrUpstream,
			Message: "the provider's answer broke off (" + v.Reason + ")"})
	case v.Err != nil:
		a.tell(v.Err)
	}
	return v
}

// tell ends a stream that has begun with the client's dialect's error event:
// from the encoder, if there is one, because it knows what came before.
func (a *try) tell(e *llm.Error) {
	e.RequestID = a.ID
	if a.encoder == nil {
		_ = a.send.failAfter(e, a.passed)
		return
	}
	a.encodeEvents([]llm.Event{{Type: llm.EventError, Err: e}})
	_ = a.send.write(a.out, false)
	a.out = a.out[:0]
}

// aggregate reads a stream for a client that did not ask for one.
func (a *try) aggregate(reader *sse.Reader) *failover.Verdict {
	decoder := a.upstream.NewStreamDecoder()
	var fold llm.Folder
	for {
		ev, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			failed := transportAnswer(err)
			failed.Phase = failover.PhaseBody
			return a.judge(failed)
		}
		in := a.upstream.Inspect(ev)
		if in.Kind == dialect.EventError {
			return a.failedEvent(ev, in.Err)
		}
		if in.Kind == dialect.EventContent {
			a.seen()
		}
		if in.Kind != dialect.EventPing {
			a.answer.Progress()
		}
		if a.events, err = decoder.Decode(a.events[:0], ev); err != nil {
			return a.judge(failover.Answer{Err: err, Phase: failover.PhaseBody, InStream: true})
		}
		fold.Add(a.events)
		if in.Kind == dialect.EventTerminal {
			break
		}
	}
	fold.Add(decoder.Close(a.events[:0]))
	response, failure := fold.Response()
	if failure != nil {
		return a.judge(failover.Answer{Err: io.ErrUnexpectedEOF, Phase: failover.PhaseBody, InStream: true})
	}
	a.usage = response.Usage
	return a.deliverResponse(response)
}

package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
	"github.com/tidwall/gjson"
)

// maxErrorBody is how much of a provider's error answer is read.
const maxErrorBody = 64 << 10

// dispatch sends the request and waits for the answer's header. An answer that
// is not a success is read and judged here.
func (a *try) dispatch(req *upstream.Request) *failover.Verdict {
	answer, err := a.provider.Client.Do(a.ctx, req)
	if err != nil {
		a.sent = wholeSent(err)
		return a.judge(transportAnswer(err))
	}
	a.answer, a.sent = answer, answer.Status == http.StatusOK
	if err := answer.Decode(a.gateway.Limits.Decompression); err != nil {
		return a.judge(failover.Answer{Err: err, Phase: failover.PhaseHeaders})
	}
	if answer.Status != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, maxErrorBody))
		return a.judge(failover.Answer{Body: body})
	}
	a.streams = isStream(answer.Header.Get("Content-Type"))
	return nil
}

// isStream reports whether a content type is that of an event stream.
func isStream(value string) bool {
	switch value {
	case "text/event-stream", "text/event-stream; charset=utf-8":
		return true
	case "application/json", "":
		return false
	}
	kind, _, _ := mime.ParseMediaType(value)
	return kind == "text/event-stream"
}

// wholeSent reports whether an attempt failed when all of the request was with
// the provider.
func wholeSent(err error) bool {
	var failed *upstream.Error
	return errors.As(err, &failed) && failed.Phase >= upstream.PhaseHeaders
}

// transportAnswer says in failover's terms how far a failed attempt got.
func transportAnswer(err error) failover.Answer {
	var failed *upstream.Error
	if !errors.As(err, &failed) {
		return failover.Answer{Err: err}
	}
	phases := [...]failover.Phase{
		upstream.PhaseDial: failover.PhaseDial, upstream.PhaseTLS: failover.PhaseTLS, upstream.PhaseSend: failover.PhaseSent,
		upstream.PhaseHeaders: failover.PhaseSent, upstream.PhaseBody: failover.PhaseBody,
	}
	return failover.Answer{Err: failed.Err, Phase: phases[failed.Phase], Reused: failed.Reused}
}

// deliver brings a successful answer to the client, in the form it asked for.
func (a *try) deliver() *failover.Verdict {
	if a.streams {
		return a.relay()
	}
	if a.trial != nil {
		a.trial.Whole()
	}
	switch {
	case a.Exchange.endpoint.call != provider.CallMain:
		return a.deliverPlain()
	default:
		return a.deliverWhole()
	}
}

// whole reads an answer's body to its end.
func (a *try) whole() ([]byte, *failover.Verdict) {
	limit := a.gateway.Limits.Response
	var size int64
	if stated := a.answer.Header.Get("Content-Length"); stated != "" {
		size, _ = strconv.ParseInt(stated, 10, 64)
	}
	buf := bytes.NewBuffer(make([]byte, 0, min(max(size, 1<<10), keepBuffer)+bytes.MinRead))
	n, err := buf.ReadFrom(io.LimitReader(a.answer.Body, limit+1))
	switch {
	case err != nil:
		failed := transportAnswer(err)
		failed.Phase = failover.PhaseBody
		return nil, a.judge(failed)
	case n > limit:
		return nil, a.judge(failover.Answer{Err: tooMuch(limit), Phase: failover.PhaseBody})
	}
	return bytes.TrimPrefix(buf.Bytes(), byteOrderMark), nil
}

// byteOrderMark may stand before a document, says RFC 8259 section 8.1, but
// most parsers fail at it.
var byteOrderMark = []byte("\xef\xbb\xbf")

// tooMuch is the error of an answer beyond the cap.
type tooMuch int64

// Error states the cap.
func (t tooMuch) Error() string {
	return fmt.Sprintf("the answer is larger than %d bytes (limits.response)", int64(t))
}

// Reason returns the result code of logs and metrics.
func (tooMuch) Reason() string { return failover.ReasonTooLarge }

// deliverWhole delivers an answer that is one JSON document. A client that
// asked for a stream gets it as one.
func (a *try) deliverWhole() *failover.Verdict {
	data, v := a.whole()
	if v != nil {
		return v
	}
	if a.Stream || a.translates() {
		response, err := a.upstream.DecodeResponse(data)
		if err != nil {
			return a.judge(failover.Answer{Body: data, Err: err, Phase: failover.PhaseBody})
		}
		a.seen()
		a.usage = response.Usage
		a.rememberAnswer(data)
		return a.deliverResponse(response)
	}
	usage, err := a.upstream.CheckResponse(data)
	if err != nil {
		return a.judge(failover.Answer{Body: data, Err: err, Phase: failover.PhaseBody})
	}
	a.seen()
	a.usage = usage
	a.rememberAnswer(data)
	return a.commitWhole(data)
}

// deliverResponse delivers a decoded answer in the client's dialect and form.
func (a *try) deliverResponse(response *llm.Response) *failover.Verdict {
	asked, e := a.common()
	if e != nil {
		return &failover.Verdict{Class: llm.ClassBadRequest, Reason: failover.ReasonClientFault, Message: e.Message, Err: e}
	}
	if a.Stream {
		encoder := a.dialect.NewStreamEncoder(asked)
		a.commit()
		for ev := range llm.Unfold(response) {
			a.out = encoder.Encode(a.out, &ev)
		}
		return a.write(a.out)
	}
	data, err := a.dialect.EncodeResponse(response, asked)
	if err != nil {
		return a.judge(failover.Answer{Err: err, Phase: failover.PhaseBody})
	}
	return a.commitWhole(data)
}

// deliverPlain passes on the answer of a call that is not a completion.
func (a *try) deliverPlain() *failover.Verdict {
	data, v := a.whole()
	if v != nil {
		return v
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) == 0 || trimmed[0] != '{' {
		return a.judge(failover.Answer{Body: data, Phase: failover.PhaseBody})
	}
	a.seen()
	if a.Exchange.endpoint.call == provider.CallEmbeddings {
		if stated := gjson.GetBytes(data, "usage.prompt_tokens"); stated.Exists() {
			a.usage = llm.Usage{Input: int(stated.Int()), Known: true}
		}
	}
	return a.commitWhole(data)
}

// seen notes that the first content has arrived.
func (a *try) seen() {
	if a.content {
		return
	}
	a.content = true
	a.first = a.gateway.Now().Sub(a.begun)
	a.answer.Content()
	a.lease.Accepted()
	if a.trial != nil {
		a.trial.FirstByte(a.first)
	}
}

// write sends bytes to the client after the commit point. A failure means that
// the client is gone, which is nobody's fault.
func (a *try) write(b []byte) *failover.Verdict {
	if err := a.send.write(b, false); err != nil {
		return a.gone()
	}
	return nil
}

func (a *try) gone() *failover.Verdict {
	if a.ctx.Err() != nil {
		return a.calledOff()
	}
	return &failover.Verdict{Class: llm.ClassCanceled, Reason: failover.ReasonCanceled, Message: "the client went away"}
}

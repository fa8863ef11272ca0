package responses

import (
	"encoding/json"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// DecodeResponse reads a complete answer. The result shares memory with body.
func (Responses) DecodeResponse(body []byte) (*llm.Response, error) {
	answer, err := readAnswer(body)
	if err != nil {
		return nil, err
	}
	root := answer.Root()
	a := headOf(root)
	root.Get("output").ForEach(func(_, v gjson.Result) bool {
		a.Blocks = append(a.Blocks, outputBlocks(readItem(v))...)
		return true
	})
	a.Stop = stopOf(root, a.Blocks)
	a.Usage = decodeUsage(root.Get("usage"))
	return a, nil
}

// headOf reads who answers from a response object.
func headOf(root gjson.Result) *llm.Response {
	return &llm.Response{
		ID: root.Get("id").Str, Model: root.Get("model").Str, Created: root.Get("created_at").Int(),
	}
}

// stopOf reads why the model stopped. A response does not say that it wants
// tool results: it has calls.
func stopOf(root gjson.Result, blocks []llm.Block) llm.StopReason {
	switch root.Get("status").Str {
	case incomplete:
		switch root.Get("incomplete_details.reason").Str {
		case "content_filter":
			return llm.StopRefusal
		case "interrupted":
			return llm.StopCancelled
		}
		return llm.StopMax
	case "cancelled":
		return llm.StopCancelled
	}
	stop := llm.StopEnd
	for i := range blocks {
		switch blocks[i].Kind {
		case llm.KindToolCall:
			return llm.StopTool
		case llm.KindRefusal:
			stop = llm.StopRefusal
		}
	}
	return stop
}

// outputBlocks reads an item of an answer. Empty reasoning says nothing.
func outputBlocks(it item) []llm.Block {
	switch it.typ {
	case "message":
		return messageBlocks(it)
	case "function_call", "custom_tool_call":
		b := callBlock(it)
		b.Call.ID = dialect.WireID(firstOf(it.callID, it.id))
		if !b.Call.Custom {
			b.Call.Input = verbatim(argumentText(it))
		}
		return []llm.Block{b}
	case "reasoning":
		b := llm.Block{Kind: llm.KindThinking, Text: reasoningText(it), Signature: sealItem(it.id, it.secret)}
		if b.Text == "" && b.Signature == "" {
			return nil
		}
		return []llm.Block{b}
	}
	return []llm.Block{otherBlock(it)}
}

// verbatim is what a model put into a call, even if it is not JSON: the client
// must see what the model did.
func verbatim(arguments string) json.RawMessage {
	if strings.TrimSpace(arguments) == "" {
		return json.RawMessage("{}")
	}
	return wire.Raw(arguments)
}

func messageBlocks(it item) []llm.Block {
	var d reader
	var blocks []llm.Block
	for _, b := range d.parts("content", it.content) {
		if isText(&b) && b.Text == "" {
			continue
		}
		if b.Citations != nil {
			b.Extra.From = llm.Responses
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// EncodeResponse writes a complete answer for the client that sent r.
func (d Responses) EncodeResponse(a *llm.Response, r *llm.Request) ([]byte, error) {
	v := d.envelopeOf(a, r)
	s := state{usage: dialect.UsageOf(a, r)}
	refused := false
	items := newItemMaker(r, v.id)
	for i := range a.Blocks {
		b := &a.Blocks[i]
		it := items.begin(b)
		if !items.end(&it, b) {
			continue
		}
		items.index++
		refused = refused || b.Kind == llm.KindRefusal
		status := completed
		if cut, _ := endState(a.Stop, true); cut == incomplete && i == len(a.Blocks)-1 {
			status = incomplete
		}
		s.output = it.append(wire.Comma(s.output), status)
	}
	s.status, s.reason = endState(a.Stop, refused)
	if s.status == completed {
		s.ended = d.now()
	}
	return v.append(nil, &s), nil
}

// envelopeOf returns the envelope of the answer a to r. The id is one of this
// dialect's, made from a's.
func (d Responses) envelopeOf(a *llm.Response, r *llm.Request) envelope {
	v := envelope{id: responseID(a.ID), model: a.Model, created: a.Created, r: r}
	if v.created == 0 {
		v.created = d.now()
	}
	if r != nil && r.Model != "" {
		v.model = r.Model // what the client asked for, not what it went by upstream
	}
	return v
}

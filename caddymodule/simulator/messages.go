package simulator

import (
	"encoding/base64"
	"encoding/json"
)

// messagesSpeaker writes Anthropic Messages.
type messagesSpeaker struct{ x *exchange }

func (m *messagesSpeaker) whole(b []byte) []byte {
	x := m.x
	b = m.head(append(b, '{'))
	b = append(key(b, "content"), '[')
	for i := range x.plan.parts {
		if x.fault.Kind == NoChoices {
			break
		}
		b = m.block(append(comma(b), '{'), &x.plan.parts[i])
		b = append(b, '}')
	}
	b = m.stop(append(b, ']'))
	if x.fault.Kind == NoChoices {
		b = append(b[:0], `{"id":"`...)
		b = append(x.id(b, "msg_"), `","type":"message"`...)
	}
	if x.fault.Kind != NoUsage {
		b = m.usage(key(b, "usage"), x.plan.usage.output)
	}
	b = x.extra(b, true)
	return append(b, '}')
}

// head appends the members from id to model.
func (m *messagesSpeaker) head(b []byte) []byte {
	b = m.x.id(append(b, `"id":"`...), "msg_")
	b = append(b, `","type":"message","role":"assistant"`...)
	return field(b, "model", m.x.modelName())
}

// block appends the members of a complete content block.
func (m *messagesSpeaker) block(b []byte, p *part) []byte {
	switch p.kind {
	case thoughtPart:
		thought := p.body
		if m.x.ask.omitThought {
			thought = nil
		}
		b = quote(append(b, `"type":"thinking","thinking":`...), thought)
		return quote(append(b, `,"signature":`...), m.x.signature())
	case textPart:
		return quote(append(b, `"type":"text","text":`...), p.body)
	}
	b = append(m.toolHead(b, p), `,"input":`...)
	if args := p.args(); json.Valid(args) {
		return append(b, args...)
	}
	return append(b, "{}"...) // cut off by max_tokens, or raw text: input is always an object
}

func (m *messagesSpeaker) toolHead(b []byte, p *part) []byte {
	b = append(b, `"type":"tool_use","id":"`...)
	b = append(m.x.callID(b, "toolu_", p.call), '"')
	return field(b, "name", p.tool.name)
}

// stop appends stop_reason and stop_sequence.
func (m *messagesSpeaker) stop(b []byte) []byte {
	p := &m.x.plan
	if m.x.fault.Kind == NoFinish {
		return append(b, `,"stop_reason":null,"stop_sequence":null`...)
	}
	reason := [...]string{"end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "end_turn"}[p.stop]
	if m.x.fault.Kind == FinishStop {
		reason = "end_turn"
	}
	b = field(b, "stop_reason", reason)
	if p.stop == stopSequence {
		return field(b, "stop_sequence", p.matched)
	}
	return append(b, `,"stop_sequence":null`...)
}

// usage appends the usage object; Messages counts cached input apart.
func (m *messagesSpeaker) usage(b []byte, output int) []byte {
	u := m.x.plan.usage
	b = fieldInt(append(b, '{'), "input_tokens", u.prompt-u.cached)
	b = append(b, `,"cache_creation_input_tokens":0`...)
	b = fieldInt(b, "cache_read_input_tokens", u.cached)
	b = fieldInt(b, "output_tokens", output)
	return append(b, '}')
}

func (m *messagesSpeaker) opening(b []byte) []byte {
	b = append(event(b, "message_start"), `,"message":{`...)
	b = append(m.head(b), `,"content":[],"stop_reason":null,"stop_sequence":null`...)
	if k := m.x.fault.Kind; k != NoUsage && k != UsageLate {
		b = m.usage(key(b, "usage"), 1)
	}
	b = done(append(b, '}'))
	if m.x.vendor.pings {
		b = m.ping(b)
	}
	return b
}

func (m *messagesSpeaker) index(i int) int {
	if m.x.fault.Kind == WrongIndex {
		return i + 1
	}
	return i
}

func (m *messagesSpeaker) begin(b []byte, i int) []byte {
	p := &m.x.plan.parts[i]
	b = fieldInt(event(b, "content_block_start"), "index", m.index(i))
	b = append(b, `,"content_block":{`...)
	switch p.kind {
	case thoughtPart:
		b = append(b, `"type":"thinking","thinking":"","signature":""`...)
	case textPart:
		b = append(b, `"type":"text","text":""`...)
	case callPart:
		b = append(m.toolHead(b, p), `,"input":{}`...)
	}
	return done(append(b, '}'))
}

func (m *messagesSpeaker) delta(b []byte, i int, kind string) []byte {
	b = fieldInt(event(b, "content_block_delta"), "index", m.index(i))
	b = append(append(b, `,"delta":{"type":"`...), kind...)
	return append(b, '"')
}

func (m *messagesSpeaker) piece(b []byte, i, n int) []byte {
	p := &m.x.plan.parts[i]
	if p.kind == thoughtPart && m.x.ask.omitThought {
		return b
	}
	kind, name := [...]string{"thinking_delta", "text_delta", "input_json_delta"}[p.kind],
		[...]string{"thinking", "text", "partial_json"}[p.kind]
	b = quote(key(m.delta(b, i, kind), name), p.piece(n))
	return done(append(b, '}'))
}

func (m *messagesSpeaker) end(b []byte, i int) []byte {
	if m.x.plan.parts[i].kind == thoughtPart {
		b = field(m.delta(b, i, "signature_delta"), "signature", m.x.signature())
		b = done(append(b, '}'))
	}
	return done(fieldInt(event(b, "content_block_stop"), "index", m.index(i)))
}

func (m *messagesSpeaker) closing(b []byte) []byte {
	if m.x.fault.Kind == NoFinish {
		return b
	}
	b = append(event(b, "message_delta"), `,"delta":{`...)
	b = append(m.stop(b), '}')
	if k := m.x.fault.Kind; k != NoUsage && k != UsageLate {
		b = m.usage(key(b, "usage"), m.x.plan.usage.output)
	}
	return done(m.x.extra(b, true))
}

func (m *messagesSpeaker) terminal(b []byte) []byte { return done(event(b, "message_stop")) }

func (m *messagesSpeaker) failure(b []byte, e apiError) []byte {
	b = append(b, "event: error\ndata: "...)
	return append(m.x.errorBody(b, e), "\n\n"...)
}

func (m *messagesSpeaker) ping(b []byte) []byte { return done(event(b, "ping")) }

func (m *messagesSpeaker) stray(b []byte) []byte {
	return done(append(event(b, "sim_unknown"), `,"anything":[1,{"a":null}]`...))
}

func (m *messagesSpeaker) late(b []byte) []byte {
	b = append(event(b, "message_delta"), `,"delta":{}`...)
	return done(m.usage(key(b, "usage"), m.x.plan.usage.output))
}

// signature returns what this simulator signs thinking with: its name and the model.
func (x *exchange) signature() string {
	return base64.StdEncoding.EncodeToString([]byte("sim1:" + x.s.opts.Name + ":" + x.ask.model + ":signed"))
}

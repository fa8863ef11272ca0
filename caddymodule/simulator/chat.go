package simulator

// reasoning is where a vendor's Chat answers have their reasoning.
type reasoning uint8

const (
	inReasoningContent reasoning = iota // reasoning_content
	inReasoning                         // reasoning
	inDetails                           // reasoning and reasoning_details
	inThinkTags                         // <think>…</think> in the content; reasoning_details when asked to split
	hidden                              // counted, not shown
)

// chatSpeaker writes OpenAI Chat Completions.
type chatSpeaker struct {
	x    *exchange
	head []byte // the members every chunk begins with
}

func newChatSpeaker(x *exchange) *chatSpeaker {
	c := &chatSpeaker{x: x}
	c.head = c.start(make([]byte, 0, 160), "chat.completion.chunk")
	return c
}

// start appends the members from id to model.
func (c *chatSpeaker) start(b []byte, object string) []byte {
	b = append(c.x.id(append(b, `{"id":"`...), "chatcmpl-"), '"')
	if !c.x.vendor.bare {
		b = field(b, "object", object)
	}
	b = fieldInt(b, "created", int(c.x.meta.Time.Unix()))
	return field(b, "model", c.x.modelName())
}

func (c *chatSpeaker) whole(b []byte) []byte {
	x := c.x
	b = c.start(b, "chat.completion")
	if x.fault.Kind != NoChoices {
		b = append(b, `,"choices":[{"index":0,"message":{"role":"assistant"`...)
		b = append(c.message(b), '}')
		b = append(c.finish(append(b, `,"logprobs":null`...)), `}]`...)
	}
	if x.fault.Kind != NoUsage {
		b = c.usage(b)
	}
	return append(x.extra(b, true), '}')
}

// message appends content, reasoning and tool_calls of the whole answer.
func (c *chatSpeaker) message(b []byte) []byte {
	var calls, spoken int
	b = append(b, `,"content":`...)
	b = c.content(b, &spoken)
	if spoken == 0 {
		b = append(b, "null"...)
	}
	for i := range c.x.plan.parts {
		p := &c.x.plan.parts[i]
		switch {
		case p.kind == thoughtPart:
			b = c.reasoningFields(b, p.body)
		case p.kind == callPart && calls == 0:
			b = c.call(append(b, `,"tool_calls":[{`...), p, p.args(), true)
			calls++
		case p.kind == callPart:
			b = c.call(append(b, `,{`...), p, p.args(), true)
		}
	}
	if calls > 0 {
		b = append(b, ']')
	}
	return b
}

// content appends the text parts as one string, and counts them.
func (c *chatSpeaker) content(b []byte, spoken *int) []byte {
	for i := range c.x.plan.parts {
		p := &c.x.plan.parts[i]
		inline := p.kind == thoughtPart && c.style() == inThinkTags
		if p.kind != textPart && !inline {
			continue
		}
		if *spoken++; *spoken == 1 {
			b = append(b, '"')
		}
		if inline {
			b = append(b, `<think>\n`...)
		}
		b = quoteInner(b, p.body)
		if inline {
			b = append(b, `\n</think>\n\n`...)
		}
	}
	if *spoken > 0 {
		b = append(b, '"')
	}
	return b
}

func (c *chatSpeaker) style() reasoning {
	style := c.x.vendor.reasoning
	if style == inThinkTags && c.x.ask.splitReason {
		return inDetails
	}
	return style
}

// reasoningFields appends the fields that reasoning text has beside the content.
func (c *chatSpeaker) reasoningFields(b, s []byte) []byte {
	switch c.style() {
	case inReasoningContent:
		return quote(key(b, "reasoning_content"), s)
	case inReasoning:
		return quote(key(b, "reasoning"), s)
	case inDetails:
		if !c.x.ask.splitReason {
			b = quote(key(b, "reasoning"), s)
		}
		b = append(key(b, "reasoning_details"), `[{"type":"reasoning.text","index":0,"text":`...)
		return append(quote(b, s), "}]"...)
	}
	return b
}

// call appends the rest of one element of tool_calls, after its brace.
func (c *chatSpeaker) call(b []byte, p *part, args []byte, first bool) []byte {
	kind := c.x.fault.Kind
	first = first || kind == RepeatIDs
	if first && kind != NoIDs {
		b = append(c.x.callID(append(key(b, "id"), '"'), "call_", p.call), '"')
	}
	payload, in := "function", "arguments"
	if p.tool.custom {
		payload, in = "custom", "input"
	}
	if first {
		b = field(b, "type", payload)
	}
	b = append(key(b, payload), '{')
	if first {
		b = field(b, "name", p.tool.name)
	}
	b = quote(key(b, in), args)
	return append(b, "}}"...)
}

// finish appends finish_reason.
func (c *chatSpeaker) finish(b []byte) []byte {
	x := c.x
	if x.fault.Kind == NoFinish {
		return append(key(b, "finish_reason"), "null"...)
	}
	reason := [...]string{"stop", "length", "stop", "tool_calls", "content_filter", "network_error"}[x.plan.stop]
	if x.plan.stop == stopRefusal {
		reason = or(x.vendor.filtered, reason)
	}
	if x.fault.Kind == FinishStop {
		reason = "stop"
	}
	return field(b, "finish_reason", reason)
}

// usage appends the usage member.
func (c *chatSpeaker) usage(b []byte) []byte {
	u := c.x.plan.usage
	b = fieldInt(append(key(b, "usage"), '{'), "prompt_tokens", u.prompt)
	b = fieldInt(b, "completion_tokens", u.output)
	b = fieldInt(b, "total_tokens", u.prompt+u.output)
	b = fieldInt(append(b, `,"prompt_tokens_details":{`...), "cached_tokens", u.cached)
	b = fieldInt(append(b, `},"completion_tokens_details":{`...), "reasoning_tokens", u.thought)
	return append(b, "}}"...)
}

package simulator

// responsesSpeaker writes OpenAI Responses. Every event has the next sequence number.
type responsesSpeaker struct {
	x   *exchange
	seq int
}

func newResponsesSpeaker(x *exchange) *responsesSpeaker { return &responsesSpeaker{x: x} }

func (r *responsesSpeaker) whole(b []byte) []byte { return r.response(b, r.status(), true) }

// status is how the answer ends.
func (r *responsesSpeaker) status() string {
	switch r.x.plan.stop {
	case stopLength, stopRefusal:
		return "incomplete"
	case stopNetwork:
		return "failed"
	}
	return "completed"
}

// response appends the response object; full says that it has its output and usage.
func (r *responsesSpeaker) response(b []byte, status string, full bool) []byte {
	x := r.x
	b = append(x.id(append(b, `{"id":"`...), "resp_"), `","object":"response"`...)
	b = fieldInt(b, "created_at", int(x.meta.Time.Unix()))
	b = field(b, "status", status)
	b = r.failing(b, status)
	b = append(field(b, "model", x.modelName()), `,"instructions":null,"metadata":{},"parallel_tool_calls":true`...)
	b = append(b, `,"previous_response_id":null,"store":false,"temperature":1,"text":{"format":{"type":"text"}}`...)
	b = append(b, `,"tool_choice":"auto","tools":[],"top_p":1,"truncation":"disabled"`...)
	if x.fault.Kind == NoChoices {
		return append(b, '}')
	}
	b = append(b, `,"output":[`...)
	for i := range x.plan.parts {
		if full {
			b = r.item(comma(b), i, "completed")
		}
	}
	b = append(b, ']')
	if full && x.fault.Kind != NoUsage && x.fault.Kind != UsageLate {
		return append(r.usage(b), '}')
	}
	return append(b, `,"usage":null}`...)
}

// failing appends error and incomplete_details.
func (r *responsesSpeaker) failing(b []byte, status string) []byte {
	switch {
	case status == "failed":
		b = append(b, `,"error":{"code":"server_error","message":"Network error."}`...)
	default:
		b = append(b, `,"error":null`...)
	}
	switch {
	case status != "incomplete":
		return append(b, `,"incomplete_details":null`...)
	case r.x.plan.stop == stopRefusal:
		return append(b, `,"incomplete_details":{"reason":"content_filter"}`...)
	}
	return append(b, `,"incomplete_details":{"reason":"max_output_tokens"}`...)
}

func (r *responsesSpeaker) usage(b []byte) []byte {
	u := r.x.plan.usage
	b = fieldInt(append(key(b, "usage"), '{'), "input_tokens", u.prompt)
	b = fieldInt(append(b, `,"input_tokens_details":{`...), "cached_tokens", u.cached)
	b = fieldInt(append(b, '}'), "output_tokens", u.output)
	b = fieldInt(append(b, `,"output_tokens_details":{`...), "reasoning_tokens", u.thought)
	b = fieldInt(append(b, '}'), "total_tokens", u.prompt+u.output)
	return append(b, '}')
}

// itemID appends the id of the item that part i becomes.
func (r *responsesSpeaker) itemID(b []byte, i int) []byte {
	p := &r.x.plan.parts[i]
	switch {
	case p.kind == thoughtPart:
		return r.x.id(b, "rs_")
	case p.kind == textPart:
		return r.x.id(b, "msg_")
	case p.tool.custom:
		return r.x.callID(b, "ctc_", p.call)
	}
	return r.x.callID(b, "fc_", p.call)
}

// item appends part i as an item: empty while in progress, whole when completed.
func (r *responsesSpeaker) item(b []byte, i int, status string) []byte {
	p := &r.x.plan.parts[i]
	b = append(r.itemID(append(b, `{"id":"`...), i), '"')
	whole := status == "completed"
	switch p.kind {
	case thoughtPart:
		b = r.reasoningItem(b, p, whole)
	case textPart:
		b = append(field(append(b, `,"type":"message","role":"assistant"`...), "status", status), `,"content":[`...)
		if whole {
			b = r.textPart(b, p.body)
		}
		b = append(b, ']')
	case callPart:
		b = r.callItem(b, p, status)
	}
	return append(b, '}')
}

func (r *responsesSpeaker) reasoningItem(b []byte, p *part, whole bool) []byte {
	b = append(b, `,"type":"reasoning","summary":[`...)
	if whole {
		b = append(quote(append(b, `{"type":"summary_text","text":`...), p.body), '}')
	}
	b = append(b, ']')
	if whole && r.x.ask.encrypted {
		b = field(b, "encrypted_content", r.x.signature())
	}
	return b
}

func (r *responsesSpeaker) callItem(b []byte, p *part, status string) []byte {
	kind, in := callNames(p)
	b = field(field(b, "type", kind), "status", status)
	b = append(r.x.callID(append(b, `,"call_id":"`...), "call_", p.call), '"')
	b = field(b, "name", p.tool.name)
	if p.tool.namespace != "" {
		b = field(b, "namespace", p.tool.namespace)
	}
	if status != "completed" {
		return field(b, in, "")
	}
	if r.x.fault.Kind == EmptyArgs {
		return field(b, in, "")
	}
	return quote(key(b, in), p.args())
}

// callNames are the item type of a call, and the member with its arguments.
func callNames(p *part) (kind, in string) {
	if p.tool.custom {
		return "custom_tool_call", "input"
	}
	return "function_call", "arguments"
}

func (r *responsesSpeaker) textPart(b, s []byte) []byte {
	b = quote(append(b, `{"type":"output_text","text":`...), s)
	return append(b, `,"annotations":[],"logprobs":[]}`...)
}

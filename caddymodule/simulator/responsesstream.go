package simulator

// event appends the beginning of an event with its sequence number.
func (r *responsesSpeaker) event(b []byte, name string) []byte {
	b = fieldInt(event(b, name), "sequence_number", r.seq)
	r.seq++
	return b
}

// lifecycle appends an event that carries the whole response.
func (r *responsesSpeaker) lifecycle(b []byte, name, status string, full bool) []byte {
	b = key(r.event(b, name), "response")
	return done(r.response(b, status, full))
}

// within appends the beginning of an event about part i.
func (r *responsesSpeaker) within(b []byte, name string, i int) []byte {
	b = r.itemID(append(r.event(b, name), `,"item_id":"`...), i)
	return fieldInt(append(b, '"'), "output_index", r.index(i))
}

func (r *responsesSpeaker) index(i int) int {
	if r.x.fault.Kind == WrongIndex {
		return i + 1
	}
	return i
}

// itemEvent appends output_item.added or .done.
func (r *responsesSpeaker) itemEvent(b []byte, name string, i int, status string) []byte {
	b = fieldInt(r.event(b, name), "output_index", r.index(i))
	return done(r.item(key(b, "item"), i, status))
}

func (r *responsesSpeaker) opening(b []byte) []byte {
	b = r.lifecycle(b, "response.created", "in_progress", false)
	return r.lifecycle(b, "response.in_progress", "in_progress", false)
}

func (r *responsesSpeaker) begin(b []byte, i int) []byte {
	b = r.itemEvent(b, "response.output_item.added", i, "in_progress")
	switch r.x.plan.parts[i].kind {
	case thoughtPart:
		b = r.within(b, "response.reasoning_summary_part.added", i)
		return done(append(b, `,"summary_index":0,"part":{"type":"summary_text","text":""}`...))
	case textPart:
		b = append(r.within(b, "response.content_part.added", i), `,"content_index":0,"part":`...)
		return done(r.textPart(b, nil))
	}
	return b
}

func (r *responsesSpeaker) piece(b []byte, i, n int) []byte {
	p := &r.x.plan.parts[i]
	switch {
	case p.kind == thoughtPart:
		b = append(r.within(b, "response.reasoning_summary_text.delta", i), `,"summary_index":0`...)
	case p.kind == textPart:
		b = append(r.within(b, "response.output_text.delta", i), `,"content_index":0,"logprobs":[]`...)
	case p.tool.custom:
		b = r.within(b, "response.custom_tool_call_input.delta", i)
	default:
		b = r.within(b, "response.function_call_arguments.delta", i)
	}
	return done(quote(key(b, "delta"), p.piece(n)))
}

func (r *responsesSpeaker) end(b []byte, i int) []byte {
	p := &r.x.plan.parts[i]
	switch {
	case p.kind == thoughtPart:
		b = append(r.within(b, "response.reasoning_summary_text.done", i), `,"summary_index":0`...)
		b = done(quote(key(b, "text"), p.body))
		b = append(r.within(b, "response.reasoning_summary_part.done", i), `,"summary_index":0,"part":{"type":"summary_text"`...)
		b = done(append(quote(key(b, "text"), p.body), '}'))
	case p.kind == textPart:
		b = append(r.within(b, "response.output_text.done", i), `,"content_index":0,"logprobs":[]`...)
		b = done(quote(key(b, "text"), p.body))
		b = append(r.within(b, "response.content_part.done", i), `,"content_index":0,"part":`...)
		b = done(r.textPart(b, p.body))
	case p.tool.custom:
		b = done(quote(key(r.within(b, "response.custom_tool_call_input.done", i), "input"), p.args()))
	default:
		b = field(r.within(b, "response.function_call_arguments.done", i), "name", p.tool.name)
		b = done(quote(key(b, "arguments"), p.args()))
	}
	return r.itemEvent(b, "response.output_item.done", i, "completed")
}

// closing has nothing to say: what ends an answer stands in the terminal event.
func (r *responsesSpeaker) closing(b []byte) []byte { return b }

func (r *responsesSpeaker) terminal(b []byte) []byte {
	if r.x.fault.Kind == NoFinish {
		return b
	}
	status := r.status()
	return r.lifecycle(b, "response."+status, status, true)
}

// failure appends response.failed with the error inside the response, where clients look for it.
func (r *responsesSpeaker) failure(b []byte, e apiError) []byte {
	b = r.event(b, "response.failed")
	b = append(r.x.id(append(b, `,"response":{"id":"`...), "resp_"), `","object":"response"`...)
	b = fieldInt(b, "created_at", int(r.x.meta.Time.Unix()))
	b = append(b, `,"status":"failed","error":{`...)
	b = field(field(b, "code", or(e.code, "server_error")), "message", e.message)
	b = append(b, `},"incomplete_details":null,"output":[]`...)
	return done(append(field(b, "model", r.x.modelName()), `,"usage":null}`...))
}

func (r *responsesSpeaker) ping(b []byte) []byte { return append(b, ": keep-alive\n\n"...) }

func (r *responsesSpeaker) stray(b []byte) []byte {
	return done(append(r.event(b, "response.sim_unknown"), `,"anything":[1,{"a":null}]`...))
}

// late repeats nothing: Responses has no place for usage after its terminal event.
func (r *responsesSpeaker) late(b []byte) []byte { return r.stray(b) }

package simulator

// chunk appends a chunk up to its delta; the caller fills the delta and calls unchunk.
func (c *chatSpeaker) chunk(b []byte) []byte {
	b = append(append(b, "data: "...), c.head...)
	b = fieldInt(append(b, `,"choices":[{`...), "index", c.index())
	return append(b, `,"delta":{`...)
}

// unchunk ends a chunk that has no finish_reason.
func (c *chatSpeaker) unchunk(b []byte) []byte {
	b = append(b, `},"finish_reason":null}]`...)
	if c.x.ask.includeUsage && !c.x.vendor.usageInLast {
		b = append(b, `,"usage":null`...)
	}
	return done(c.x.extra(b, false))
}

func (c *chatSpeaker) index() int {
	if c.x.fault.Kind == WrongIndex {
		return 1
	}
	return 0
}

func (c *chatSpeaker) opening(b []byte) []byte {
	b = append(b, c.x.vendor.comment...)
	return c.unchunk(append(c.chunk(b), `"role":"assistant","content":""`...))
}

func (c *chatSpeaker) begin(b []byte, i int) []byte {
	switch p := &c.x.plan.parts[i]; {
	case p.kind == callPart && (c.x.fault.Kind != WholeArgs || len(p.ends) == 0):
		return c.fragment(b, p, nil, true)
	case p.kind == thoughtPart && c.style() == inThinkTags:
		return c.say(b, []byte("<think>\n"))
	}
	return b
}

// fragment appends a chunk with a piece of a tool call.
func (c *chatSpeaker) fragment(b []byte, p *part, args []byte, first bool) []byte {
	b = fieldInt(append(c.chunk(b), `"tool_calls":[{`...), "index", p.call)
	b = c.call(b, p, args, first)
	return c.unchunk(append(b, ']'))
}

// say appends a chunk with content.
func (c *chatSpeaker) say(b, s []byte) []byte {
	return c.unchunk(quote(key(c.chunk(b), "content"), s))
}

func (c *chatSpeaker) piece(b []byte, i, n int) []byte {
	p := &c.x.plan.parts[i]
	switch {
	case p.kind == callPart:
		return c.fragment(b, p, p.piece(n), c.x.fault.Kind == WholeArgs)
	case p.kind == textPart, c.style() == inThinkTags:
		return c.say(b, p.piece(n))
	case c.style() == hidden:
		return b
	}
	return c.unchunk(c.reasoningFields(c.chunk(b), p.piece(n)))
}

func (c *chatSpeaker) end(b []byte, i int) []byte {
	if c.x.plan.parts[i].kind == thoughtPart && c.style() == inThinkTags {
		return c.say(b, []byte("\n</think>\n\n"))
	}
	return b
}

// closing appends the chunk with finish_reason and, where the vendor or the request wants it, usage.
func (c *chatSpeaker) closing(b []byte) []byte {
	x := c.x
	quiet := x.fault.Kind == NoUsage || x.fault.Kind == UsageLate
	if x.fault.Kind != NoFinish {
		b = append(c.finish(append(c.chunk(b), '}')), "}]"...)
		if x.vendor.usageInLast && !quiet {
			b = c.usage(b)
		} else if x.ask.includeUsage {
			b = append(b, `,"usage":null`...)
		}
		b = done(x.extra(b, true))
	}
	if x.ask.includeUsage && !x.vendor.usageInLast && !quiet {
		b = c.late(b)
	}
	return b
}

func (c *chatSpeaker) terminal(b []byte) []byte { return append(b, "data: [DONE]\n\n"...) }

func (c *chatSpeaker) failure(b []byte, e apiError) []byte {
	return append(c.x.chunkError(append(b, "data: "...), e), "\n\n"...)
}

func (c *chatSpeaker) ping(b []byte) []byte { return append(b, ": keep-alive\n\n"...) }

func (c *chatSpeaker) stray(b []byte) []byte {
	b = append(append(b, "data: "...), c.head...)
	return done(append(b, `,"choices":[],"sim_unknown":{"anything":[1,null]}`...))
}

// late appends the chunk without choices that has the usage.
func (c *chatSpeaker) late(b []byte) []byte {
	b = append(append(b, "data: "...), c.head...)
	return done(c.usage(append(b, `,"choices":[]`...)))
}

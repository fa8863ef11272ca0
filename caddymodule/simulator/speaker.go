package simulator

// speaker writes a plan in one dialect. Every method appends to b; whole is the answer in one piece, the others are the
// events of a stream: opening, then for each part begin, its pieces and end, then closing and terminal.
type speaker interface {
	whole(b []byte) []byte
	opening(b []byte) []byte
	begin(b []byte, i int) []byte
	piece(b []byte, i, n int) []byte
	end(b []byte, i int) []byte
	closing(b []byte) []byte
	terminal(b []byte) []byte
	failure(b []byte, e apiError) []byte
	ping(b []byte) []byte
	stray(b []byte) []byte // an event no client knows
	late(b []byte) []byte  // usage after the end
}

func (x *exchange) speaker() speaker {
	switch x.target.dialect {
	case messages:
		return &messagesSpeaker{x: x}
	case responses:
		return newResponsesSpeaker(x)
	}
	return newChatSpeaker(x)
}

// id appends an id such as msg_sim_7: prefix, name of the simulator, number of the request.
func (x *exchange) id(b []byte, prefix string) []byte {
	b = append(append(b, prefix...), x.s.opts.Name...)
	return integer(append(b, '_'), x.number)
}

// callID appends the id of a tool call, such as call_sim_7_0.
func (x *exchange) callID(b []byte, prefix string, call int) []byte {
	return integer(append(x.id(b, prefix), '_'), call)
}

// event appends the first line of a named event and the start of its data.
func event(b []byte, name string) []byte {
	b = append(append(b, "event: "...), name...)
	b = append(b, "\ndata: {"...)
	return field(b, "type", name)
}

// done ends an event.
func done(b []byte) []byte { return append(b, "}\n\n"...) }

// modelName is the model that answers name.
func (x *exchange) modelName() string {
	name := or(x.ask.model, "simulator")
	if x.vendor.model != nil {
		return x.vendor.model(name)
	}
	return name
}

// argsOf returns the arguments of a call in an answer of one piece: an empty object when there are none.
func (p *part) args() []byte {
	if len(p.body) == 0 && !p.tool.custom {
		return []byte("{}")
	}
	return p.body
}

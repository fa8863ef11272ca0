package simulator

import (
	"bytes"
	"hash/maphash"
	"strings"
)

// ask is what the simulator understood of a request, whatever its dialect. Its byte slices point into the request body.
type ask struct {
	isJSON       bool // the body is one JSON object, at a glance
	model        string
	stream       bool
	includeUsage bool
	maxTokens    int // -1: not limited
	stops        []string

	think       choice // unset, on or off
	effort      string
	omitThought bool // display: omitted
	splitReason bool // MiniMax: reasoning_split
	encrypted   bool // Responses: include reasoning.encrypted_content

	jsonObject bool
	schema     []byte

	toolList   []byte
	toolChoice []byte
	single     bool // one tool call at most

	lastUser []byte   // content of the last user turn
	results  [][]byte // contents of the tool results after it

	system   []byte
	turns    []byte // messages or input
	embedded []byte // input of embeddings
	format   string // encoding_format of embeddings
	dims     int

	prefixes []prefix
	bytes    int // of everything the model would read
}

// choice is a switch that may be left alone.
type choice uint8

const (
	unset choice = iota
	on
	off
)

// prefix is the part of a prompt up to the end of one message.
type prefix struct {
	hash  uint64
	bytes int
}

// reuse empties a for the next request, keeping its slices.
func (a *ask) reuse() ask {
	clear(a.results[:cap(a.results)])
	return ask{results: a.results[:0], prefixes: a.prefixes[:0]}
}

// read fills a from a request body.
func (a *ask) read(d dialect, body []byte) {
	a.maxTokens = -1
	a.isJSON = isObject(body)
	if !a.isJSON {
		return
	}
	for k, v := range members(body) {
		a.field(d, string(k), v)
	}
	a.measure()
	for m := range elements(a.turns) {
		a.turn(d, m)
	}
	if d == messages {
		a.splitResults()
	}
	if d == responses && len(a.turns) > 0 && a.turns[0] == '"' {
		a.lastUser = a.turns
	}
}

// field notes one top-level member.
func (a *ask) field(d dialect, name string, v []byte) {
	switch name {
	case "model":
		a.model = text(v)
	case "stream":
		a.stream = isTrue(v)
	case "stream_options":
		a.includeUsage = isTrue(member(v, "include_usage"))
	case "max_tokens", "max_completion_tokens", "max_output_tokens":
		if n, ok := number(v); ok {
			a.maxTokens = n
		}
	case "stop", "stop_sequences":
		a.stops = stopsOf(v)
	case "messages":
		a.turns = v
	case "input":
		if d == responses {
			a.turns = v
		} else {
			a.embedded = v
		}
	case "system", "instructions":
		a.system = v
	case "tools":
		a.toolList = v
	case "tool_choice":
		a.toolChoice = v
		a.single = a.single || isTrue(member(v, "disable_parallel_tool_use"))
	case "parallel_tool_calls":
		a.single = a.single || string(v) == "false"
	default:
		a.rareField(name, v)
	}
}

// rareField notes the members that few requests have.
func (a *ask) rareField(name string, v []byte) {
	switch name {
	case "thinking":
		a.thinking(v)
	case "reasoning":
		a.setEffort(text(member(v, "effort")), !isNull(v))
	case "reasoning_effort":
		a.setEffort(text(v), false)
	case "enable_thinking":
		a.think = map[bool]choice{true: on, false: off}[isTrue(v)]
	case "disable_reasoning":
		if isTrue(v) {
			a.think = off
		}
	case "reasoning_split":
		a.splitReason = isTrue(v)
	case "include":
		a.encrypted = bytes.Contains(v, []byte(`"reasoning.encrypted_content"`))
	case "response_format", "output_format":
		a.formatOf(v)
	case "output_config", "text":
		if f := member(v, "format"); f != nil {
			a.formatOf(f)
		}
	case "encoding_format":
		a.format = text(v)
	case "dimensions":
		a.dims, _ = number(v)
	}
}

func (a *ask) thinking(v []byte) {
	switch text(member(v, "type")) {
	case "disabled":
		a.think = off
	case "":
	default:
		a.think = on
	}
	a.omitThought = text(member(v, "display")) == "omitted"
}

// setEffort takes a reasoning effort; given says that reasoning was asked for even without one.
func (a *ask) setEffort(effort string, given bool) {
	a.effort = effort
	switch {
	case effort == "none", effort == "minimal":
		a.think = off
	case effort != "", given:
		a.think = on
	}
}

// formatOf reads a wish for structured output in any of the three spellings.
func (a *ask) formatOf(v []byte) {
	switch text(member(v, "type")) {
	case "json_object":
		a.jsonObject = true
	case "json_schema":
		a.schema = member(v, "schema")
		if nested := member(v, "json_schema"); nested != nil {
			a.schema = member(nested, "schema")
		}
	}
}

// turn notes one message or item.
func (a *ask) turn(d dialect, m []byte) {
	var role, kind, content, output []byte
	for k, v := range members(m) {
		switch string(k) {
		case "role":
			role = v
		case "type":
			kind = v
		case "content":
			content = v
		case "output":
			output = v
		}
	}
	switch {
	case d == responses && (is(kind, "function_call_output") || is(kind, "custom_tool_call_output")):
		a.results = append(a.results, output)
	case d == chat && is(role, "tool"):
		a.results = append(a.results, content)
	case is(role, "user"):
		a.lastUser, a.results = content, a.results[:0]
	case is(role, "assistant"), is(kind, "function_call"), is(kind, "custom_tool_call"):
		a.results = a.results[:0]
	}
}

// splitResults finds the tool results inside the last user message, where the Messages dialect has them.
func (a *ask) splitResults() {
	for block := range elements(a.lastUser) {
		if is(member(block, "type"), "tool_result") {
			a.results = append(a.results, member(block, "content"))
		}
	}
}

// seed makes the hashes of prefixes; they never leave the process.
var seed = maphash.MakeSeed()

// measure counts the prompt's bytes and hashes its prefixes, one for each message.
func (a *ask) measure() {
	a.bytes = len(a.system) + len(a.toolList)
	h := maphash.Bytes(seed, a.system) ^ 31*maphash.Bytes(seed, a.toolList)
	if len(a.turns) > 0 && a.turns[0] == '"' {
		a.bytes += len(a.turns)
		return
	}
	for m := range elements(a.turns) {
		a.bytes += len(m)
		h = h*0x9e3779b97f4a7c15 ^ maphash.Bytes(seed, m)
		a.prefixes = append(a.prefixes, prefix{h, a.bytes})
	}
}

func stopsOf(v []byte) (stops []string) {
	if s := text(v); s != "" {
		return []string{s}
	}
	for e := range elements(v) {
		if s := text(e); s != "" {
			stops = append(stops, s)
		}
	}
	return stops
}

// textOf joins the text in a content value, which is a string or an array of parts, and counts its images.
func textOf(content []byte) (s string, images int) {
	if len(content) > 0 && content[0] == '"' {
		return text(content), 0
	}
	var parts []string
	for p := range elements(content) {
		switch text(member(p, "type")) {
		case "text", "input_text", "output_text":
			parts = append(parts, text(member(p, "text")))
		case "image", "image_url", "input_image":
			images++
		case "tool_reference":
			parts = append(parts, text(member(p, "tool_name")))
		}
	}
	return strings.Join(parts, "\n"), images
}

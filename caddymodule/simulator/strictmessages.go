package simulator

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
)

// strictMessages holds a request to what Anthropic accepts.
func strictMessages(x *exchange) *apiError {
	for _, rule := range []func(*exchange) *apiError{
		messagesHeader, messagesTop, messagesLimits, messagesThinking, messagesTools, messagesTurns, messagesPairs,
	} {
		if e := rule(x); e != nil {
			return e
		}
	}
	return nil
}

func (x *exchange) anthropicItself() bool { return x.vendor.name == "" || x.vendor.name == "anthropic" }

func messagesHeader(x *exchange) *apiError {
	if x.anthropicItself() && len(x.r.Header["Anthropic-Version"]) == 0 {
		return x.bad("", "", "anthropic-version: header is required")
	}
	return nil
}

// messagesTop checks the top-level members.
func messagesTop(x *exchange) *apiError {
	betas := strings.Join(x.r.Header["Anthropic-Beta"], ",")
	for k := range members(x.body) {
		name := string(k)
		beta, isBeta := betaFields[name]
		switch {
		case slices.Contains(messagesFields, name), isBeta && strings.Contains(betas, beta):
		case !x.anthropicItself() && isBeta: // other vendors ignore what they do not know of Anthropic's
		default:
			return x.bad("", name, "%s: Extra inputs are not permitted", name)
		}
	}
	if x.ask.maxTokens < 0 && x.target.call == completeCall {
		return x.bad("", "max_tokens", "max_tokens: Field required")
	}
	if length(x.ask.turns) == 0 {
		return x.bad("", "messages", "messages: at least one message is required")
	}
	return nil
}

// messagesLimits checks numbers and counts.
func messagesLimits(x *exchange) *apiError {
	if !inRange(x.body, "temperature", 0, 1) {
		return x.bad("", "", "temperature: Input should be less than or equal to 1")
	}
	if slices.Contains(x.r.Header["Anthropic-Version"], "2026-10-21") {
		for _, name := range []string{"temperature", "top_p", "top_k"} {
			if member(x.body, name) != nil {
				return x.bad("", "", "%s: Extra inputs are not permitted", name)
			}
		}
	}
	if n := bytes.Count(x.body, []byte(`"cache_control":{`)) + bytes.Count(x.body, []byte(`"cache_control": {`)); n > 4 {
		return x.bad("", "", "A maximum of 4 blocks with cache_control may be provided. Found %d.", n)
	}
	for _, s := range x.ask.stops {
		if strings.TrimSpace(s) == "" {
			return x.bad("", "", "stop_sequences: each stop sequence must contain non-whitespace")
		}
	}
	return nil
}

func messagesThinking(x *exchange) *apiError {
	thinking := member(x.body, "thinking")
	if is(member(thinking, "type"), "enabled") {
		budget, ok := number(member(thinking, "budget_tokens"))
		switch {
		case !ok:
			return x.bad("", "", "thinking.enabled.budget_tokens: Field required")
		case budget < 1024:
			return x.bad("", "", "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
		case x.target.call == completeCall && budget >= x.ask.maxTokens:
			return x.bad("", "", "`max_tokens` must be greater than `thinking.budget_tokens`.")
		}
	}
	if mode, forced := x.ask.choice(); x.ask.think == on && (mode == "required" || forced != "") {
		return x.bad("", "", "Thinking may not be enabled when tool_choice forces tool use.")
	}
	return nil
}

func messagesTools(x *exchange) *apiError {
	var seen []string
	return each(x.ask.toolList, func(i int, t []byte) *apiError {
		kind, name := text(member(t, "type")), text(member(t, "name"))
		if slices.Contains(seen, name) {
			return x.bad("", "", "tools: Tool names must be unique.")
		}
		seen = append(seen, name)
		if kind != "" && kind != "custom" {
			return nil // a server tool
		}
		if extra, found := unknownMember(t, messagesToolFields); found {
			return x.bad("", "", "tools.%d.custom.%s: Extra inputs are not permitted", i, extra)
		}
		if !fitsName(name, 128) {
			return x.bad("", "", "tools.%d.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", i)
		}
		if schema := member(t, "input_schema"); !is(member(schema, "type"), "object") {
			return x.bad("", "", "tools.%d.custom.input_schema.type: Field required", i)
		}
		return nil
	})
}

// messagesTurns checks every message by itself.
func messagesTurns(x *exchange) *apiError {
	last := length(x.ask.turns) - 1
	return each(x.ask.turns, func(i int, m []byte) *apiError {
		role, content := text(member(m, "role")), member(m, "content")
		if extra, found := unknownMember(m, []string{"role", "content"}); found {
			return x.bad("", "", "messages.%d.%s: Extra inputs are not permitted", i, extra)
		}
		switch {
		case role != "user" && role != "assistant" && role != "system":
			return x.bad("", "", "messages.%d.role: Input should be 'user' or 'assistant'", i)
		case i == 0 && role != "user":
			return x.bad("", "", "messages: first message must use the \"user\" role")
		case isString(content) && strings.TrimSpace(text(content)) == "" && (i != last || role == "user"),
			isArray(content) && length(content) == 0 && (i != last || role == "user"), isNull(content):
			return x.bad("", "", "messages.%d: all messages must have non-empty content except for the optional final assistant message", i)
		}
		return each(content, func(j int, b []byte) *apiError { return messagesBlock(x, i, j, b, role) })
	})
}

// messagesBlock checks one content block.
func messagesBlock(x *exchange, i, j int, b []byte, role string) *apiError {
	kind := text(member(b, "type"))
	if known := blockFields[kind]; known != nil {
		if extra, found := unknownMember(b, known); found {
			return x.bad("", "", "messages.%d.content.%d.%s.%s: Extra inputs are not permitted", i, j, kind, extra)
		}
	}
	switch {
	case kind == "":
		return x.bad("", "", "messages.%d.content.%d.type: Field required", i, j)
	case kind == "text" && text(member(b, "text")) == "":
		return x.bad("", "", "messages: text content blocks must be non-empty")
	case kind == "text" && strings.TrimSpace(text(member(b, "text"))) == "":
		return x.bad("", "", "messages: text content blocks must contain non-whitespace text")
	case (kind == "tool_use" || kind == "thinking" || kind == "redacted_thinking") && role != "assistant",
		kind == "tool_result" && role != "user", kind == "image" && role == "assistant":
		return x.bad("", "", "messages.%d: `%s` blocks are not allowed in `%s` messages", i, kind, role)
	case kind == "tool_use" && !fitsName(text(member(b, "id")), 256):
		return x.bad("", "", "messages.%d.content.%d.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", i, j)
	case kind == "tool_use" && !isObject(member(b, "input")):
		return x.bad("", "", "messages.%d.content.%d.tool_use.input: Input should be a valid dictionary", i, j)
	case kind == "thinking" && !x.signedHere(member(b, "signature")), kind == "redacted_thinking" && !x.signedHere(member(b, "data")):
		return x.bad("", "", "messages.%d.content.%d: Invalid `signature` in `thinking` block", i, j)
	case kind == "image":
		return messagesImage(x, i, j, member(b, "source"))
	}
	return nil
}

func messagesImage(x *exchange, i, j int, source []byte) *apiError {
	known := []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	if is(member(source, "type"), "base64") && !slices.Contains(known, text(member(source, "media_type"))) {
		return x.bad("", "", "messages.%d.content.%d.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'", i, j)
	}
	return nil
}

// signedHere reports whether a signature is this simulator's.
func (x *exchange) signedHere(v []byte) bool {
	b, err := base64.StdEncoding.DecodeString(text(v))
	return err == nil && strings.HasPrefix(string(b), "sim1:"+x.s.opts.Name+":") && strings.HasSuffix(string(b), ":signed")
}

// messagesPairs checks that every tool_use is answered at the beginning of the next message, and nothing else is.
func messagesPairs(x *exchange) *apiError {
	var open, all []string
	e := each(x.ask.turns, func(i int, m []byte) *apiError {
		if is(member(m, "role"), "system") {
			return nil
		}
		content := member(m, "content")
		answered, e := messagesResults(x, i, content, open)
		if e != nil {
			return e
		}
		if rest := slices.DeleteFunc(open, func(id string) bool { return slices.Contains(answered, id) }); len(rest) > 0 {
			return x.bad("", "", "messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i-1, strings.Join(rest, ", "))
		}
		open = nil
		for b := range elements(content) {
			if id := text(member(b, "id")); is(member(b, "type"), "tool_use") {
				if slices.Contains(all, id) {
					return x.bad("", "", "messages: `tool_use` ids must be unique")
				}
				open, all = append(open, id), append(all, id)
			}
		}
		return nil
	})
	if e == nil && len(open) > 0 {
		return x.bad("", "", "messages: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", strings.Join(open, ", "))
	}
	return e
}

// messagesResults returns the ids that the first blocks of a message answer.
func messagesResults(x *exchange, i int, content []byte, open []string) (answered []string, e *apiError) {
	first := true
	e = each(content, func(j int, b []byte) *apiError {
		if !is(member(b, "type"), "tool_result") {
			first = false
			return nil
		}
		id := text(member(b, "tool_use_id"))
		switch {
		case !slices.Contains(open, id):
			return x.bad("", "", "messages.%d.content.%d: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", i, j, id)
		case slices.Contains(answered, id):
			return x.bad("", "", "messages.%d.content.%d: each tool_use must have a single result. Found multiple `tool_result` blocks with id: %s", i, j, id)
		case !first:
			return x.bad("", "", "messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s.", i-1, id)
		}
		answered = append(answered, id)
		return nil
	})
	return answered, e
}

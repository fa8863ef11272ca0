package simulator

import (
	"fmt"
	"slices"
	"strings"
)

// strictChat holds a request to what OpenAI accepts, and to the vendor's list of fields and roles.
func strictChat(x *exchange) *apiError {
	for _, rule := range []func(*exchange) *apiError{chatTop, chatOptions, chatTools, chatFormat, chatTurns, chatPairs} {
		if e := rule(x); e != nil {
			return e
		}
	}
	return nil
}

// chatTop checks the top-level members.
func chatTop(x *exchange) *apiError {
	known := x.vendor.fields
	if known == nil {
		known = chatFields
	}
	if name, found := unknownMember(x.body, known, x.vendor.moreFields); found && !x.vendor.lenient {
		return x.unknownField(name, "", "")
	}
	if length(x.ask.turns) == 0 {
		return x.bad("missing_required_parameter", "messages", "Missing required parameter: 'messages'.")
	}
	return nil
}

// unknownField is the vendor's wording for a member it does not know; where is messages and a number, role follows it.
func (x *exchange) unknownField(name, where, role string) *apiError {
	switch {
	case x.vendor.name == "cerebras" && where == "":
		return x.bad("", "", "body.%s: property 'body.%s' is unsupported", name, name)
	case x.vendor.name == "cerebras":
		return x.bad("", "", "body.%s.%s.%s: property 'body.%s.%s.%s' is unsupported", where, role, name, where, role, name)
	case x.vendor.name == "groq" && where != "":
		return x.bad("", "", "'%s' : for 'role:%s' the following must be satisfied[('%s' : property '%s' is unsupported)]", where, role, where, name)
	case where == "":
		return x.bad("", "", "Unrecognized request argument supplied: %s", name)
	}
	at := strings.Replace(where, ".", "[", 1) + "]." + name
	return x.bad("unknown_parameter", at, "Unknown parameter: '%s'.", at)
}

// chatOptions checks numbers and members that need each other.
func chatOptions(x *exchange) *apiError {
	b := x.body
	reasons := strings.HasPrefix(x.ask.model, "gpt-5") || len(x.ask.model) > 1 && x.ask.model[0] == 'o' && digits(x.ask.model[1:2])
	switch {
	case !inRange(b, "temperature", 0, 2):
		return x.bad("decimal_above_max_value", "temperature", "Invalid 'temperature': decimal above maximum value. Expected a value <= 2.")
	case !inRange(b, "top_p", 0, 1):
		return x.bad("decimal_above_max_value", "top_p", "Invalid 'top_p': decimal above maximum value. Expected a value <= 1.")
	case len(x.ask.stops) > 4:
		return x.bad("array_above_max_length", "stop", "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length %d instead.", len(x.ask.stops))
	case member(b, "max_tokens") != nil && member(b, "max_completion_tokens") != nil:
		return x.bad("invalid_parameter_combination", "max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	case x.vendor.name == "openai" && reasons && member(b, "max_tokens") != nil:
		return x.bad("unsupported_parameter", "max_tokens", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
	case !x.ask.stream && !isNull(member(b, "stream_options")):
		return x.bad("", "stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	case len(x.ask.toolList) == 0 && !isNull(x.ask.toolChoice) && !is(x.ask.toolChoice, "none"):
		return x.bad("", "tool_choice", "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
	case len(x.ask.toolList) == 0 && !isNull(member(b, "parallel_tool_calls")):
		return x.bad("", "parallel_tool_calls", "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.")
	case isArray(x.ask.toolList) && length(x.ask.toolList) == 0:
		return x.bad("empty_array", "tools", "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	return nil
}

func chatTools(x *exchange) *apiError {
	return each(x.ask.toolList, func(i int, t []byte) *apiError {
		at := fmt.Sprintf("tools[%d]", i)
		if is(member(t, "type"), "custom") {
			return x.checkToolName(at+".custom.name", text(member(member(t, "custom"), "name")))
		}
		if !is(member(t, "type"), "function") {
			return x.bad("invalid_value", at+".type", "Invalid value: '%s'. Supported values are: 'function' and 'custom'.", text(member(t, "type")))
		}
		if name, found := unknownMember(t, []string{"type", "function"}); found {
			return x.bad("unknown_parameter", at+"."+name, "Unknown parameter: '%s.%s'.", at, name)
		}
		f := member(t, "function")
		if name, found := unknownMember(f, []string{"name", "description", "parameters", "strict"}); found {
			return x.bad("unknown_parameter", at+".function."+name, "Unknown parameter: '%s.function.%s'.", at, name)
		}
		if e := x.checkToolName(at+".function.name", text(member(f, "name"))); e != nil {
			return e
		}
		return x.checkParameters(at+".function.parameters", text(member(f, "name")), member(f, "parameters"))
	})
}

// checkToolName holds a name to OpenAI's 64 characters.
func (x *exchange) checkToolName(at, name string) *apiError {
	switch {
	case name == "":
		return x.bad("missing_required_parameter", at, "Missing required parameter: '%s'.", at)
	case len(name) > 64:
		return x.bad("string_above_max_length", at, "Invalid '%s': string too long. Expected a string with maximum length 64, but got a string with length %d instead.", at, len(name))
	case !fitsName(name, 64):
		return x.bad("invalid_value", at, "Invalid '%s': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.", at)
	}
	return nil
}

// checkParameters holds a schema to an object with properties.
func (x *exchange) checkParameters(at, name string, schema []byte) *apiError {
	switch {
	case isNull(schema):
		return nil
	case !is(member(schema, "type"), "object"):
		return x.bad("invalid_function_parameters", at, "Invalid schema for function '%s': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"%s\"'.", name, or(text(member(schema, "type")), "None"))
	case member(schema, "properties") == nil && (x.vendor.name == "openai" || x.vendor.name == ""):
		return x.bad("invalid_function_parameters", at, "Invalid schema for function '%s': In context=(), object schema missing properties.", name)
	}
	return nil
}

func chatFormat(x *exchange) *apiError {
	f := member(x.body, "response_format")
	switch text(member(f, "type")) {
	case "json_schema":
		name := text(member(member(f, "json_schema"), "name"))
		if !fitsName(name, 64) {
			return x.bad("missing_required_parameter", "response_format.json_schema.name", "Missing required parameter: 'response_format.json_schema.name'.")
		}
	case "json_object":
		if !strings.Contains(strings.ToLower(string(x.ask.turns)), "json") {
			return x.bad("", "messages", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
		}
	}
	return nil
}

// chatTurns checks every message by itself.
func chatTurns(x *exchange) *apiError {
	return each(x.ask.turns, func(i int, m []byte) *apiError {
		role, at := text(member(m, "role")), fmt.Sprintf("messages[%d]", i)
		known := chatMessageFields[role]
		if known == nil || role == "developer" && x.vendor.noDeveloper {
			return x.bad("invalid_value", at+".role", "Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", role)
		}
		var more []string
		if role == "assistant" {
			more = x.vendor.reasonFields
		} else if role == "tool" && !x.vendor.exact {
			more = []string{"name"}
		}
		if name, found := unknownMember(m, known, more); found && !x.vendor.lenient {
			return x.unknownField(name, fmt.Sprintf("messages.%d", i), role)
		}
		if e := chatContent(x, at, role, m); e != nil {
			return e
		}
		return each(member(m, "tool_calls"), func(j int, c []byte) *apiError { return chatCall(x, fmt.Sprintf("%s.tool_calls[%d]", at, j), c) })
	})
}

// chatContent checks the content of one message.
func chatContent(x *exchange, at, role string, m []byte) *apiError {
	content := member(m, "content")
	calls := length(member(m, "tool_calls")) > 0
	switch {
	case isNull(content) && !(role == "assistant" && (calls || member(m, "refusal") != nil)):
		return x.bad("", at+".content", "Invalid value for 'content': expected a string, got null.")
	case isArray(content) && length(content) == 0:
		return x.bad("empty_array", at+".content", "Invalid '%s.content': empty array. Expected an array with minimum length 1, but got an empty array instead.", at)
	case isObject(content):
		return x.bad("invalid_type", at+".content", "Invalid type for '%s.content': expected one of a string or array of objects, but got an object instead.", at)
	}
	return each(content, func(j int, p []byte) *apiError {
		kind := text(member(p, "type"))
		if name, found := unknownMember(p, []string{"type", kind}); found && !x.vendor.lenient {
			return x.bad("unknown_parameter", at, "Unknown parameter: '%s.content[%d].%s'.", at, j, name)
		}
		switch {
		case kind == "text", kind == "refusal" && role == "assistant":
		case kind != "image_url" && kind != "input_audio" && kind != "file":
			return x.bad("invalid_value", at, "Invalid value: '%s'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', and 'file'.", kind)
		case role != "user":
			return x.bad("invalid_value", at, "Invalid '%s'. Image URLs are only allowed for messages with role 'user', but this message with role '%s' contains an image URL.", at, role)
		case kind == "image_url" && !isObject(member(p, "image_url")):
			return x.bad("invalid_type", at, "Invalid type for '%s.content[%d].image_url': expected an object, but got a string instead.", at, j)
		}
		return nil
	})
}

// chatCall checks one tool call of an assistant message.
func chatCall(x *exchange, at string, c []byte) *apiError {
	id, f := text(member(c, "id")), member(c, "function")
	switch {
	case id == "":
		return x.bad("missing_required_parameter", at+".id", "Missing required parameter: '%s.id'.", at)
	case len(id) > 64:
		return x.bad("string_above_max_length", at+".id", "Invalid '%s.id': string too long. Expected a string with maximum length 64, but got a string with length %d instead.", at, len(id))
	case is(member(c, "type"), "custom"):
		return nil
	case !is(member(c, "type"), "function"):
		return x.bad("missing_required_parameter", at+".type", "Missing required parameter: '%s.type'.", at)
	case !isString(member(f, "arguments")):
		return x.bad("invalid_type", at+".function.arguments", "Invalid type for '%s.function.arguments': expected a string, but got an object instead.", at)
	}
	return x.checkToolName(at+".function.name", text(member(f, "name")))
}

// chatPairs checks that tool messages answer the calls right before them, all of them.
func chatPairs(x *exchange) *apiError {
	var open, known []string
	unanswered := func() *apiError {
		return x.bad("", "messages", "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: %s", strings.Join(open, ", "))
	}
	e := each(x.ask.turns, func(i int, m []byte) *apiError {
		if is(member(m, "role"), "tool") {
			id := text(member(m, "tool_call_id"))
			if !slices.Contains(known, id) {
				return x.orphan(i)
			}
			open = slices.DeleteFunc(open, func(o string) bool { return o == id })
			return nil
		}
		if len(open) > 0 {
			return unanswered()
		}
		known = known[:0]
		for c := range elements(member(m, "tool_calls")) {
			known = append(known, text(member(c, "id")))
		}
		open = slices.Clone(known)
		return nil
	})
	if e == nil && len(open) > 0 {
		return unanswered()
	}
	return e
}

// orphan is the refusal of a tool message that answers nothing.
func (x *exchange) orphan(i int) *apiError {
	if x.vendor.name == "minimax" {
		return x.badCode("2013", "invalid params, tool call result does not follow tool call")
	}
	return x.bad("", fmt.Sprintf("messages.[%d].role", i), "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.")
}

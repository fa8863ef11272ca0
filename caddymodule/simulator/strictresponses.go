package simulator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// strictResponses holds a request to what OpenAI's Responses accept.
func strictResponses(x *exchange) *apiError {
	for _, rule := range []func(*exchange) *apiError{responsesTop, responsesTools, responsesItems, responsesPairs} {
		if e := rule(x); e != nil {
			return e
		}
	}
	return nil
}

func responsesTop(x *exchange) *apiError {
	if name, found := unknownMember(x.body, responsesFields); found {
		return x.bad("unknown_parameter", name, "Unknown parameter: '%s'.", name)
	}
	if isNull(x.ask.turns) || isArray(x.ask.turns) && length(x.ask.turns) == 0 {
		return x.bad("missing_required_parameter", "input", "Missing required parameter: 'input'.")
	}
	if n := x.ask.maxTokens; n >= 0 && n < 16 {
		return x.bad("integer_below_min_value", "max_output_tokens", "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got %d instead.", n)
	}
	if !inRange(x.body, "temperature", 0, 2) {
		return x.bad("decimal_above_max_value", "temperature", "Invalid 'temperature': decimal above maximum value. Expected a value <= 2.")
	}
	if id := text(member(x.body, "previous_response_id")); id != "" && !x.madeHere(id, "resp_") {
		return x.bad("previous_response_not_found", "previous_response_id", "Previous response with id '%s' not found.", id)
	}
	if f := member(member(x.body, "text"), "format"); is(member(f, "type"), "json_schema") && !fitsName(text(member(f, "name")), 64) {
		return x.bad("missing_required_parameter", "text.format.name", "Missing required parameter: 'text.format.name'.")
	}
	return nil
}

// madeHere reports whether an id is one this simulator has given out.
func (x *exchange) madeHere(id, prefix string) bool {
	n, ok := strings.CutPrefix(id, prefix+x.s.opts.Name+"_")
	number, err := strconv.Atoi(n)
	return ok && err == nil && number < x.number
}

func responsesTools(x *exchange) *apiError {
	return each(x.ask.toolList, func(i int, t []byte) *apiError {
		at := fmt.Sprintf("tools[%d]", i)
		switch kind := text(member(t, "type")); kind {
		case "":
			return x.bad("missing_required_parameter", at+".type", "Missing required parameter: '%s.type'.", at)
		case "function":
			if name, found := unknownMember(t, []string{"type", "name", "description", "parameters", "strict", "defer_loading"}); found {
				return x.bad("unknown_parameter", at+"."+name, "Unknown parameter: '%s.%s'.", at, name)
			}
			fallthrough
		case "custom", "namespace":
			if e := x.checkToolName(at+".name", text(member(t, "name"))); e != nil || kind != "function" {
				return e
			}
			schema := member(t, "parameters")
			return x.checkParameters(at+".parameters", text(member(t, "name")), schema)
		}
		return nil
	})
}

// responsesItems checks every input item by itself.
func responsesItems(x *exchange) *apiError {
	last := length(x.ask.turns) - 1
	return each(x.ask.turns, func(i int, m []byte) *apiError {
		at, kind := fmt.Sprintf("input[%d]", i), text(member(m, "type"))
		if kind == "" && member(m, "role") != nil {
			kind = "message"
		}
		if known := itemFields[kind]; known != nil {
			if name, found := unknownMember(m, known); found {
				return x.bad("unknown_parameter", at+"."+name, "Unknown parameter: '%s.%s'.", at, name)
			}
		}
		if id, want := text(member(m, "id")), itemIDs[kind]; id != "" && !strings.HasPrefix(id, want) {
			return x.bad("invalid_value", at+".id", "Invalid '%s.id': '%s'. Expected an ID that begins with '%s'.", at, id, want)
		}
		switch {
		case kind == "message":
			return responsesMessage(x, at, m)
		case kind == "reasoning" && !isNull(member(m, "encrypted_content")) && !x.signedHere(member(m, "encrypted_content")):
			return x.bad("invalid_encrypted_content", "", "The encrypted content for item %s could not be verified. Reason: Encrypted content could not be decrypted or parsed.", text(member(m, "id")))
		case kind == "reasoning" && i == last:
			return x.bad("", "input", "Item '%s' of type 'reasoning' was provided without its required following item.", text(member(m, "id")))
		case kind == "function_call" && !isString(member(m, "arguments")):
			return x.bad("invalid_type", at+".arguments", "Invalid type for '%s.arguments': expected a string.", at)
		case kind == "function_call":
			return x.checkToolName(at+".name", text(member(m, "name")))
		}
		return nil
	})
}

// responsesMessage checks the role and parts of a message item.
func responsesMessage(x *exchange, at string, m []byte) *apiError {
	role := text(member(m, "role"))
	known := []string{"input_text", "input_image", "input_file", "input_audio"}
	switch role {
	case "assistant":
		known = []string{"output_text", "refusal"}
	case "user", "system", "developer":
	default:
		return x.bad("invalid_value", at+".role", "Invalid value: '%s'. Supported values are: 'assistant', 'system', 'developer', and 'user'.", role)
	}
	return each(member(m, "content"), func(j int, p []byte) *apiError {
		if kind := text(member(p, "type")); !slices.Contains(known, kind) {
			return x.bad("invalid_value", fmt.Sprintf("%s.content[%d]", at, j), "Invalid value: '%s'. Supported values are: '%s'.", kind, strings.Join(known, "', '"))
		}
		return nil
	})
}

// responsesPairs checks that calls and outputs belong together.
func responsesPairs(x *exchange) *apiError {
	var called, answered []string
	for m := range elements(x.ask.turns) {
		switch id := text(member(m, "call_id")); text(member(m, "type")) {
		case "function_call", "custom_tool_call":
			called = append(called, id)
		case "function_call_output", "custom_tool_call_output":
			if !slices.Contains(called, id) && isNull(member(x.body, "previous_response_id")) {
				return x.bad("", "input", "No tool call found for function call output with call_id %s.", id)
			}
			answered = append(answered, id)
		}
	}
	for _, id := range called {
		if !slices.Contains(answered, id) {
			return x.bad("", "input", "No tool output found for function call %s.", id)
		}
	}
	return nil
}

package simulator

import (
	"bytes"
	"strings"
)

// cerebrasStrict refuses what Cerebras does: pictures that it would have to fetch.
func cerebrasStrict(x *exchange) *apiError {
	if bytes.Contains(x.ask.turns, []byte(`"url":"http`)) && bytes.Contains(x.ask.turns, []byte(`"image_url"`)) {
		return x.bad("", "", "Image URLs are not supported; send the image as a base64 data URL.")
	}
	return nil
}

// zaiStrict checks the ranges of Z.AI's own parameters.
func zaiStrict(x *exchange) *apiError {
	if x.target.dialect != chat {
		return nil
	}
	mode, forced := x.ask.choice()
	format := text(member(member(x.body, "response_format"), "type"))
	switch {
	case !inRange(x.body, "temperature", 0, 1):
		return x.badCode("1210", "Invalid API parameter: temperature must be between 0 and 1")
	case !inRange(x.body, "top_p", 0.01, 1):
		return x.badCode("1210", "Invalid API parameter: top_p must be between 0.01 and 1")
	case !inRange(x.body, "max_tokens", 1, 131072):
		return x.badCode("1210", "Invalid API parameter: max_tokens must be between 1 and 131072")
	case len(x.ask.stops) > 1:
		return x.badCode("1210", "Invalid API parameter: stop takes one word")
	case forced != "" || mode != "" && mode != "auto":
		return x.badCode("1210", "Invalid API parameter: tool_choice must be auto")
	case length(x.ask.toolList) > 128:
		return x.badCode("1210", "Invalid API parameter: at most 128 functions")
	case format != "" && format != "text" && format != "json_object":
		return x.badCode("1210", "Invalid API parameter: response_format")
	}
	for m := range elements(x.ask.turns) {
		if role := text(member(m, "role")); role == "user" || role == "tool" {
			return nil
		}
	}
	return x.badCode("1214", "The messages parameter is illegal. Please check the documentation.")
}

// minimaxStrict refuses several answers, pictures on M2 and documents.
func minimaxStrict(x *exchange) *apiError {
	old := strings.HasPrefix(x.ask.model, "MiniMax-M2")
	pictures := bytes.Contains(x.ask.turns, []byte(`"type":"image`))
	switch {
	case !inRange(x.body, "n", 1, 1):
		return x.badCode("2013", "invalid params, n must be 1")
	case old && pictures:
		return x.badCode("2013", "invalid params, this model does not support image input")
	case x.target.dialect == messages && bytes.Contains(x.ask.turns, []byte(`"type":"document"`)):
		return x.badCode("2013", "invalid params, document blocks are not supported")
	}
	return nil
}

// groqStrict refuses several answers and log probabilities.
func groqStrict(x *exchange) *apiError {
	if !inRange(x.body, "n", 1, 1) {
		return x.bad("", "n", "'n' : number must be at most 1")
	}
	for _, name := range []string{"logprobs", "logit_bias", "top_logprobs"} {
		if v := member(x.body, name); !isNull(v) && string(v) != "false" {
			return x.bad("", name, "property '%s' is unsupported", name)
		}
	}
	return nil
}

// moonshotStrict wants content in every message, and the reasoning of a tool turn back while thinking is on.
func moonshotStrict(x *exchange) *apiError {
	return each(x.ask.turns, func(i int, m []byte) *apiError {
		role := text(member(m, "role"))
		calls := length(member(m, "tool_calls")) > 0
		switch {
		case role != "tool" && !calls && is(member(m, "content"), ""):
			return x.bad("", "", "Invalid request: the message at position %d with role '%s' must not be empty", i, role)
		case calls && x.ask.think == on && isNull(member(m, "reasoning_content")):
			return x.bad("", "", "thinking is enabled but reasoning_content is missing in assistant tool call message at index %d", i)
		}
		return nil
	})
}

// deepSeekStrict names the role it does not know.
func deepSeekStrict(x *exchange) *apiError {
	return each(x.ask.turns, func(i int, m []byte) *apiError {
		if is(member(m, "role"), "developer") {
			return x.bad("", "", "Failed to deserialize the JSON body into the target type: messages[%d].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`", i)
		}
		return nil
	})
}

// ollamaStrict refuses what Ollama cannot do with pictures.
func ollamaStrict(x *exchange) *apiError {
	if bytes.Contains(x.ask.turns, []byte(`"url":"http`)) {
		return x.bad("", "", "invalid image input")
	}
	return nil
}

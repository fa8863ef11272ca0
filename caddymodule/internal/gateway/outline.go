package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/jsonscan"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// outline is what routing needs of a request body, in any dialect.
type outline struct {
	model                 string
	modelStart, modelEnd  int // of the value, quotes included
	stream                bool
	maxTokens             int
	tools, thinking       bool
	vision, pdf           bool
	structured            bool
	thoughts              bool   // thinking blocks in the history
	cacheHour             bool   // a cache mark asks for an hour
	thread, previous      string // Anthropic's thread, Responses' previous_response_id: raw and text
	cacheKey, userSession string
	history               []byte // messages or input, raw

	data []byte
	seen []string // top-level keys in lower case
}

// read fills o from data. Strings that o keeps are copies.
func (o *outline) read(data []byte, depth int) *llm.Error {
	o.data = data
	err := jsonscan.Scan(data, depth, o)
	var told *llm.Error
	var deep *jsonscan.DepthError
	switch {
	case errors.As(err, &deep):
		return &llm.Error{Type: llm.ErrInvalidRequest, Status: http.StatusBadRequest, Code: codeTooDeep,
			Message: "the request body is not valid JSON: " + err.Error()}
	case errors.As(err, &told):
		return told
	case err != nil:
		return invalid("", "the request body is not valid JSON: "+err.Error())
	case o.modelEnd == 0:
		return invalid("model", "model: field required")
	case o.model == "":
		return invalid("model", "model: a name is required")
	}
	return nil
}

// codeTooDeep marks a body that nests too deep.
const codeTooDeep = "nested_too_deep"

func invalid(param, msg string) *llm.Error {
	return &llm.Error{Type: llm.ErrInvalidRequest, Status: http.StatusBadRequest, Param: param, Message: msg}
}

// Member notes a top-level member. Keys that are alike but for case are refused:
// parsers differ in which of them counts, and the gateway must not decide by
// one while the provider acts on another.
func (o *outline) Member(m jsonscan.Member) error {
	key := string(m.Key)
	if strings.IndexByte(key, '\\') >= 0 {
		key = unescape(m.Key)
	}
	folded := strings.ToLower(key)
	for _, other := range o.seen {
		if other == folded {
			return invalid(clip(key, 60), fmt.Sprintf("%q stands twice in the request body (letter case aside); send it once", clip(key, 60)))
		}
	}
	o.seen = append(o.seen, folded)
	if folded != key && known(folded) {
		return invalid(clip(key, 60), fmt.Sprintf("unknown field %q; did you mean %q?", clip(key, 60), folded))
	}
	return o.field(key, m, o.data[m.Start:m.End])
}

func unescape(raw []byte) string {
	var s string
	quoted := append(append([]byte{'"'}, raw...), '"')
	if json.Unmarshal(quoted, &s) != nil {
		return string(raw)
	}
	return s
}

// known says which fields the gateway acts on, so that a misspelt one must not
// pass by it.
func known(key string) bool {
	switch key {
	case "model", "stream", "max_tokens", "max_completion_tokens", "max_output_tokens", "tools", "messages", "input",
		"thinking", "reasoning", "reasoning_effort", "thread", "previous_response_id":
		return true
	}
	return false
}

func (o *outline) field(key string, m jsonscan.Member, value []byte) error {
	switch key {
	case "model":
		if json.Unmarshal(value, &o.model) != nil || value[0] != '"' {
			return invalid("model", "model: a string is required")
		}
		o.modelStart, o.modelEnd = m.Start, m.End
	case "stream":
		if o.stream = string(value) == "true"; !o.stream && string(value) != "false" && string(value) != "null" {
			return invalid("stream", "stream: true or false is required")
		}
	case "max_tokens", "max_completion_tokens", "max_output_tokens":
		o.maxTokens = max(o.maxTokens, int(gjson.ParseBytes(value).Int()))
	case "tools":
		o.tools = o.tools || len(bytes.TrimSpace(bytes.Trim(value, "[]"))) > 0 && value[0] == '['
	case "thinking", "reasoning", "reasoning_effort":
		o.thinking = o.thinking || asksToThink(value)
	case "response_format", "text", "output_config", "output_format":
		o.structured = o.structured || bytes.Contains(value, []byte(`json_schema`))
	case "messages", "input":
		o.history = value
	case "thread":
		o.thread = string(value)
	case "previous_response_id":
		o.previous = gjson.ParseBytes(value).String()
	case "prompt_cache_key":
		o.cacheKey = gjson.ParseBytes(value).String()
	case "metadata":
		o.userSession = userSession(value)
	}
	return nil
}

// asksToThink reads thinking{type}, reasoning{effort} and reasoning_effort.
func asksToThink(value []byte) bool {
	v := gjson.ParseBytes(value)
	if v.IsObject() {
		if t := v.Get("type").Str; t != "" {
			return t != "disabled"
		}
		v = v.Get("effort")
	}
	return v.Str != "" && v.Str != "none"
}

// userSession reads the session from metadata.user_id, in which Claude Code
// puts a JSON object as a string.
func userSession(metadata []byte) string {
	id := gjson.GetBytes(metadata, "user_id").Str
	if session := gjson.Get(id, "session_id").Str; session != "" {
		return session
	}
	return id
}

// Text notes what kinds of content the request holds, and how long its prompt
// is to be cached.
func (o *outline) Text(key, value []byte) {
	if string(key) == "ttl" {
		o.cacheHour = o.cacheHour || string(value) == "1h"
		return
	}
	switch string(value) {
	case "image", "image_url", "input_image":
		o.vision = true
	case "document", "file", "input_file":
		o.pdf = true
	case "thinking":
		o.thoughts = true
	}
}

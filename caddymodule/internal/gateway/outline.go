package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

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
	choices               int // answers asked for at once (Chat's n); 0: one
	tools, thinking       bool
	vision, pdf           bool
	structured            bool
	thoughts              bool   // thinking blocks in the history
	cacheHour             bool   // a cache mark asks for an hour
	thread, previous      string // Anthropic's thread, Responses' previous_response_id: raw and text
	cacheKey, userSession string
	history               []byte // messages or input, raw

	data []byte
	seen []string   // top-level keys in lower case
	room [12]string // for the most of them
}

// read fills o from data. Strings that o keeps are copies.
func (o *outline) read(data []byte, depth int) *llm.Error {
	o.data = data
	o.seen = o.room[:0]
	switch err := jsonscan.Scan(data, depth, o); {
	case err != nil:
		return unreadable(err)
	case o.modelEnd == 0:
		return invalid("model", "model: field required")
	case o.model == "":
		return invalid("model", "model: a name is required")
	}
	return nil
}

// unreadable is the answer to a body that Scan failed at.
func unreadable(err error) *llm.Error {
	var told *llm.Error
	if errors.As(err, &told) {
		return told
	}
	e := invalid("", "the request body is not valid JSON: "+err.Error())
	var deep *jsonscan.DepthError
	if errors.As(err, &deep) {
		e.Code = codeTooDeep
	}
	return e
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
	key := name(m.Key)
	folded := fold(key)
	if len(o.seen) == maxMembers {
		return invalid("", fmt.Sprintf("the request body has more than %d fields; no dialect has so many", maxMembers))
	}
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

// maxMembers is how many fields a request may have. Chat Completions has some 40,
// the others fewer.
const maxMembers = 256

// fold returns key as a parser sees it that does not mind letter case, as Go's
// does not: the long s counts as an s.
func fold(key string) string {
	for i := range len(key) {
		if key[i] >= utf8.RuneSelf {
			return strings.ToLower(strings.ToUpper(key))
		}
	}
	return strings.ToLower(key)
}

// name returns a key as a string: without a copy, if it is one of those that
// most requests have.
func name(raw []byte) string {
	switch string(raw) {
	case "model":
		return "model"
	case "messages":
		return "messages"
	case "input":
		return "input"
	case "stream":
		return "stream"
	case "max_tokens":
		return "max_tokens"
	case "system":
		return "system"
	case "tools":
		return "tools"
	case "tool_choice":
		return "tool_choice"
	case "temperature":
		return "temperature"
	case "thinking":
		return "thinking"
	case "metadata":
		return "metadata"
	case "stream_options":
		return "stream_options"
	case "instructions":
		return "instructions"
	case "reasoning":
		return "reasoning"
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		return unescape(raw)
	}
	return string(raw)
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
		if !readString(value, &o.model) {
			return invalid("model", "model: a string is required")
		}
		o.modelStart, o.modelEnd = m.Start, m.End
	case "stream":
		if o.stream = string(value) == "true"; !o.stream && string(value) != "false" && string(value) != "null" {
			return invalid("stream", "stream: true or false is required")
		}
	case "max_tokens", "max_completion_tokens", "max_output_tokens":
		o.maxTokens = max(o.maxTokens, int(gjson.ParseBytes(value).Int()))
	case "n":
		o.choices = int(gjson.ParseBytes(value).Int())
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

// readString reads a string into s, and reports whether value is one.
func readString(value []byte, s *string) bool {
	if value[0] != '"' {
		return false
	}
	for _, c := range value {
		if c == '\\' || c >= utf8.RuneSelf {
			return json.Unmarshal(value, s) == nil
		}
	}
	*s = string(value[1 : len(value)-1])
	return true
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

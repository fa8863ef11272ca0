package openai

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/tidwall/gjson"
)

// A chunk is what one event of a stream holds of the first choice. Its strings
// share memory with the event.
type chunk struct {
	id, model string
	created   int64
	later     bool // the choice is not the first one
	delta     deltaParts
	whole     deltaParts // message, beside a delta
	finish    string
	cause     string // the choice's own error, raw
	matched   string // the stop sequence that matched, if the server says so
	hasUsage  bool
}

// deltaParts are the members of a delta, calls as they stand on the wire.
type deltaParts struct {
	reasoning, details, content, refusal string
	calls, legacy                        string
}

// readChunk reads a chunk in one pass. What only the first one of a stream has
// to tell is skipped in the others.
func readChunk(c *wire.Cursor, first bool) chunk {
	var k chunk
	for key := range c.Members() {
		switch key {
		case "id", "model", "created":
			if first {
				k.head(key, c.Result())
			}
		case "choices":
			for n := range c.Elements() {
				if n == 0 {
					k.choice(c)
				}
			}
		case "usage", "x_groq":
			k.hasUsage = k.hasUsage || c.Kind() == '{'
		}
	}
	return k
}

func (k *chunk) head(key string, v gjson.Result) {
	switch key {
	case "id":
		k.id = v.String()
	case "model":
		k.model = v.Str
	case "created":
		k.created = v.Int()
	}
}

// choice reads the first choice. Some servers send a whole answer in one chunk,
// as a message; others send a message beside each delta, with all so far.
func (k *chunk) choice(c *wire.Cursor) {
	hasDelta := false
	for key := range c.Members() {
		switch key {
		case "index":
			k.later = c.Kind() >= '1' && c.Kind() <= '9'
		case "delta":
			if c.Kind() == '{' {
				hasDelta = true
				k.delta.read(c)
			}
		case "message":
			if c.Kind() == '{' {
				k.whole.read(c)
			}
		case "finish_reason":
			k.finish = c.Str()
		case "error":
			k.cause = c.Raw()
		case "stop_reason":
			k.matched = c.Str()
		case "usage":
			k.hasUsage = true
		}
	}
	if !hasDelta {
		k.delta = k.whole
	}
}

func (d *deltaParts) read(c *wire.Cursor) {
	for key := range c.Members() {
		switch key {
		case "content":
			d.content = readText(c)
		case "reasoning", "reasoning_content":
			if s := c.Str(); d.reasoning == "" {
				d.reasoning = s
			}
		case "reasoning_details":
			d.details = c.Raw()
		case "refusal":
			d.refusal = c.Str()
		case "tool_calls":
			d.calls = c.Raw()
		case "function_call":
			d.legacy = c.Raw()
		}
	}
}

// thought is the reasoning, under whichever of its names it came.
func (d *deltaParts) thought() string {
	if d.reasoning != "" || d.details == "" {
		return d.reasoning
	}
	var sb strings.Builder
	gjson.Parse(d.details).ForEach(func(_, part gjson.Result) bool {
		sb.WriteString(part.Get("text").Str)
		sb.WriteString(part.Get("summary").Str)
		return true
	})
	return sb.String()
}

// readText is content as it comes in a stream: a string, or parts of text.
func readText(c *wire.Cursor) string {
	if c.Kind() != '[' {
		return c.Str()
	}
	var sb strings.Builder
	c.Result().ForEach(func(_, part gjson.Result) bool {
		sb.WriteString(part.Get("text").Str)
		return true
	})
	return sb.String()
}

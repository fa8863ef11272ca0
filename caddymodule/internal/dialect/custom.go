package dialect

import (
	"encoding/json"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// CustomSchema is the schema a free-form tool gets where only functions exist:
// one string.
const CustomSchema = `{"type":"object","properties":{"input":{"type":"string","description":"the tool's input, verbatim"}},"required":["input"],"additionalProperties":false}`

// WrapInput is the function argument that stands for a free-form tool's text.
func WrapInput(text string) json.RawMessage {
	dst := append(make([]byte, 0, len(text)+len(text)/8+16), `{"input":`...)
	return append(wire.Quote(dst, text), '}')
}

// CustomInput undoes WrapInput. Arguments of another shape are the text
// themselves: some models answer with the bare text.
func CustomInput(args string) string {
	if v := gjson.Get(args, "input"); v.Type == gjson.String && wire.Valid(wire.Raw(args)) {
		return v.Str
	}
	return args
}

// CustomDescription is a free-form tool's description where only functions
// exist: with its grammar in words, or the model would not know it.
func CustomDescription(t *llm.Tool) string {
	if t.Grammar == nil {
		return t.Description
	}
	return t.Description + "\n\nThe input is not JSON: it is text that follows this " +
		t.Grammar.Syntax + " grammar:\n" + t.Grammar.Definition
}

// CallInput is a call's argument object in compact JSON: of a free-form call
// its text, wrapped; of a call without arguments {}.
func CallInput(c *llm.ToolCall) json.RawMessage {
	switch {
	case c.Custom:
		return WrapInput(c.Text)
	case len(c.Input) == 0:
		return json.RawMessage("{}")
	}
	return wire.Compact(c.Input)
}

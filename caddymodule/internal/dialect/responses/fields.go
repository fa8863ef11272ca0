package responses

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// roleField is the member whose presence in a block's Extra says that the
// block begins a message item; the other fields there are the item's.
const roleField = "role"

// badField is the error for a request member that cannot be what it is.
func badField(param, format string, args ...any) *llm.Error {
	return &llm.Error{
		Type: llm.ErrInvalidRequest, Class: llm.ClassBadRequest,
		Param: param, Message: fmt.Sprintf("%s: ", param) + fmt.Sprintf(format, args...),
	}
}

// reader takes members of a request and keeps the first thing wrong with them.
type reader struct{ err *llm.Error }

func (d *reader) fail(param, format string, args ...any) {
	if d.err == nil {
		d.err = badField(param, format, args...)
	}
}

// str reads a string; null counts as not given.
func (d *reader) str(param string, v gjson.Result) string {
	if v.Type != gjson.String && v.Type != gjson.Null {
		d.fail(param, "expected a string")
	}
	return v.Str
}

func (d *reader) integer(param string, v gjson.Result) int {
	if v.Type == gjson.Null {
		return 0
	}
	if v.Type != gjson.Number || v.Num != float64(int(v.Num)) || v.Num < 0 {
		d.fail(param, "expected a whole number that is not negative")
		return 0
	}
	return int(v.Num)
}

func (d *reader) float(param string, v gjson.Result) *float64 {
	if v.Type == gjson.Null {
		return nil
	}
	if v.Type != gjson.Number {
		d.fail(param, "expected a number")
	}
	return &v.Num
}

func (d *reader) boolean(param string, v gjson.Result) *bool {
	if v.Type == gjson.Null {
		return nil
	}
	if !v.IsBool() {
		d.fail(param, "expected true or false")
	}
	b := v.Bool()
	return &b
}

// object says whether v is an object to read; null is none, and not wrong.
func (d *reader) object(param string, v gjson.Result) bool {
	if v.Type != gjson.Null && !v.IsObject() {
		d.fail(param, "expected an object")
	}
	return v.IsObject()
}

// extra returns fields as members of this dialect.
func extra(fields []llm.Field) llm.Extra {
	if len(fields) == 0 {
		return llm.Extra{}
	}
	return llm.Extra{From: llm.Responses, Fields: fields}
}

// field returns the value of a member that came along in x from this dialect,
// or nil.
func field(x *llm.Extra, key string) json.RawMessage {
	if x.From != llm.Responses {
		return nil
	}
	for i := range x.Fields {
		if x.Fields[i].Key == key {
			return x.Fields[i].Value
		}
	}
	return nil
}

// rawField is a member as it stood on the wire. Its key keeps the escapes it
// needs to be written back between quotes, and no others: an escaped letter
// must not hide a member from a policy. Both share memory with the request.
func rawField(k, v gjson.Result) llm.Field {
	key := k.Str
	if strings.IndexByte(k.Raw, '\\') >= 0 {
		key = string(wire.AppendEscaped(nil, key))
	}
	return llm.Field{Key: key, Value: wire.Raw(v.Raw)}
}

package dialect

import (
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// Invalid is the error for a request that cannot be read or said; param names
// the field at fault.
func Invalid(param, message string) *llm.Error {
	return &llm.Error{Type: llm.ErrInvalidRequest, Class: llm.ClassBadRequest, Param: param, Message: message}
}

// Number is a JSON number, or nil for anything else.
func Number(v gjson.Result) *float64 {
	if v.Type != gjson.Number {
		return nil
	}
	f := v.Num
	return &f
}

// Strings reads a string or an array of strings.
func Strings(v gjson.Result) []string {
	if v.Type == gjson.String {
		return []string{v.Str}
	}
	var list []string
	if v.IsArray() {
		v.ForEach(func(_, s gjson.Result) bool {
			if s.Type == gjson.String {
				list = append(list, s.Str)
			}
			return true
		})
	}
	return list
}

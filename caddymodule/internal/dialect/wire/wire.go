// Package wire holds the JSON pieces the dialects share: reading a body
// without decoding it, and appending JSON by hand.
//
// Reading is gjson over the caller's own bytes: the strings handed out share
// memory with the body, so a body must not be changed or reused while anything
// read from it is alive. docs/decisions/001-json.md says why not encoding/json.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unsafe"

	"github.com/aimux/aimux/caddymodule/internal/jsonscan"
	"github.com/tidwall/gjson"
)

// MaxDepth is how deep a body may nest before it is refused.
const MaxDepth = 128

// Errors of Parse.
var (
	ErrSyntax = errors.New("not valid JSON")
	ErrObject = errors.New("not a JSON object")
	ErrDepth  = errors.New("nested too deeply")
)

// View returns b as a string without copying it.
func View(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) // #nosec G103 -- pointer and length of one slice; bodies are not written to once they are read
}

// Raw returns the bytes of s without copying them. They must not be written to.
func Raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return unsafe.Slice(unsafe.StringData(s), len(s)) // #nosec G103 -- pointer and length of one string, as View made it
}

// Parse checks that body is one valid JSON object, not nested deeper than
// MaxDepth, and returns it for walking. A leading byte order mark is skipped.
func Parse(body []byte) (gjson.Result, error) {
	body = TrimBOM(body)
	if err := jsonscan.Check(body, MaxDepth); err != nil {
		return gjson.Result{}, why(body, err)
	}
	return gjson.Parse(View(body)), nil
}

// Scan is Parse for those who only look at the members of the top level, while
// they are checked. body has no byte order mark.
func Scan(body []byte, v jsonscan.Visitor) error {
	if err := jsonscan.Scan(body, MaxDepth, v); err != nil {
		return why(body, err)
	}
	return nil
}

// KeyName returns the name of a member as jsonscan notes it. It shares memory
// with key, unless there are escapes to resolve.
func KeyName(key []byte) string {
	if bytes.IndexByte(key, '\\') < 0 {
		return View(key)
	}
	quoted := append(append([]byte{'"'}, key...), '"')
	return gjson.Parse(View(quoted)).Str
}

// Valid reports whether body is one valid JSON object, not nested deeper than
// MaxDepth. Unlike gjson's check it does not recurse on the input.
func Valid(body []byte) bool { return jsonscan.Check(body, MaxDepth) == nil }

// why is one of the errors above for what a scan found.
func why(body []byte, err error) error {
	var deep *jsonscan.DepthError
	if errors.As(err, &deep) {
		return ErrDepth
	}
	if text := bytes.TrimLeft(body, " \t\r\n"); len(text) > 0 && text[0] != '{' && text[0] < 0x80 {
		return ErrObject
	}
	return ErrSyntax
}

// TrimBOM returns b without a leading UTF-8 byte order mark.
func TrimBOM(b []byte) []byte {
	if len(b) >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF {
		return b[3:]
	}
	return b
}

// Key appends a member's key and colon, with a comma before it if dst does not
// end at the beginning of an object or array.
func Key(dst []byte, key string) []byte {
	dst = Comma(dst)
	dst = append(dst, '"')
	dst = append(dst, key...)
	return append(dst, '"', ':')
}

// Comma appends a comma unless dst ends with an opening brace or bracket, a
// colon or a comma, or is empty.
func Comma(dst []byte) []byte {
	if n := len(dst); n > 0 {
		switch dst[n-1] {
		case '{', '[', ':', ',':
		default:
			return append(dst, ',')
		}
	}
	return dst
}

// Str appends a member whose value is the string s.
func Str(dst []byte, key, s string) []byte { return Quote(Key(dst, key), s) }

// StrIf appends a string member unless s is empty.
func StrIf(dst []byte, key, s string) []byte {
	if s == "" {
		return dst
	}
	return Str(dst, key, s)
}

// Int appends a member whose value is n.
func Int(dst []byte, key string, n int) []byte {
	return strconv.AppendInt(Key(dst, key), int64(n), 10)
}

// Bool appends a boolean member.
func Bool(dst []byte, key string, v bool) []byte {
	return strconv.AppendBool(Key(dst, key), v)
}

// Float appends a member whose value is f in its shortest form.
func Float(dst []byte, key string, f float64) []byte {
	return strconv.AppendFloat(Key(dst, key), f, 'g', -1, 64)
}

// RawMember appends a member whose value is the JSON text raw.
func RawMember(dst []byte, key string, raw []byte) []byte {
	return append(Key(dst, key), raw...)
}

// Compact returns raw without white space between its tokens: raw itself if
// there is none. Nothing else changes, the order of keys least of all.
func Compact(raw []byte) []byte {
	first := nextSpace(raw, 0)
	if first < 0 {
		return raw
	}
	dst := append(make([]byte, 0, len(raw)), raw[:first]...)
	for i := first; i < len(raw); {
		start := i + 1
		if i = nextSpace(raw, start); i < 0 {
			return append(dst, raw[start:]...)
		}
		dst = append(dst, raw[start:i]...)
	}
	return dst
}

// nextSpace is the index of the first white space outside strings at or after
// i, which must itself be outside of a string; -1 if there is none.
func nextSpace(raw []byte, i int) int {
	for inString := false; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == ' ' || c == '\n' || c == '\r' || c == '\t'):
			return i
		}
	}
	return -1
}

// Offset is where part begins in whole. part must be a piece of whole's own
// memory, as what gjson hands out is.
func Offset(whole, part string) int {
	return int(uintptr(unsafe.Pointer(unsafe.StringData(part))) - uintptr(unsafe.Pointer(unsafe.StringData(whole)))) // #nosec G103 -- the difference of two addresses; neither is made a pointer again
}

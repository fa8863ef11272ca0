package toon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// jsonScope is a container that is being written as JSON.
type jsonScope struct {
	cursor
	closing byte
	begun   bool
}

// MarshalJSON writes v as JSON with its keys in order. It never fails.
func (v Value) MarshalJSON() ([]byte, error) {
	out := []byte(nil)
	var stack []jsonScope
	for {
		switch v.Kind() {
		case KindArray:
			out, stack = append(out, '['), append(stack, jsonScope{cursor: v.children(), closing: ']'})
		case KindObject:
			out, stack = append(out, '{'), append(stack, jsonScope{cursor: v.children(), closing: '}'})
		default:
			out = appendJSONPrimitive(out, v)
		}
		for len(stack) > 0 && !stack[len(stack)-1].next() {
			out = append(out, stack[len(stack)-1].closing)
			stack = stack[:len(stack)-1]
		}
		if len(stack) == 0 {
			return out, nil
		}
		s := &stack[len(stack)-1]
		if s.begun {
			out = append(out, ',')
		}
		if s.begun = true; s.closing == '}' {
			out = append(appendJSONString(out, s.t.text(s.key)), ':')
		}
		v = s.val
	}
}

func appendJSONPrimitive(out []byte, v Value) []byte {
	switch v.Kind() {
	case KindBool:
		if v.Bool() {
			return append(out, "true"...)
		}
		return append(out, "false"...)
	case KindNumber:
		return append(out, v.Number()...)
	case KindString:
		return appendJSONString(out, v.Str())
	default:
		return append(out, "null"...)
	}
}

// appendJSONString appends s as a JSON string. Invalid UTF-8, which only values
// built by hand can hold, becomes U+FFFD.
func appendJSONString(out []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return appendQuoted(out, s) // the escapes of TOON are escapes of JSON
}

// UnmarshalJSON sets v to the JSON document in data, as FromJSON does.
func (v *Value) UnmarshalJSON(data []byte) error {
	val, err := FromJSON(data)
	if err == nil {
		*v = val
	}
	return err
}

// FromJSON reads one JSON document and keeps the order of its keys and the text
// of its numbers. Repeated keys are an error.
func FromJSON(data []byte) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	b := newBuilder()
	for {
		tok, err := dec.Token()
		if err != nil {
			return Value{}, fmt.Errorf("reading JSON: %w", jsonEOF(err))
		}
		if err := b.jsonToken(tok); err != nil {
			return Value{}, fmt.Errorf("reading JSON: offset %d: %w", dec.InputOffset(), err)
		}
		if len(b.open) == 0 {
			break
		}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Value{}, fmt.Errorf("reading JSON: offset %d: more than one value", dec.InputOffset())
	}
	return b.value()
}

// jsonEOF makes an early end of input an error of its own.
func jsonEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (b *builder) jsonToken(tok json.Token) error {
	switch tok := tok.(type) {
	case json.Delim:
		switch tok {
		case '{':
			b.begin(classObject)
		case '[':
			b.begin(classList)
		default:
			return b.end()
		}
	case string:
		if b.wantsKey() {
			b.key(tok)
		} else {
			b.str(tok)
		}
	case json.Number:
		b.number(tok.String())
	case bool:
		b.boolean(tok)
	default:
		b.null()
	}
	return nil
}

var (
	_ json.Marshaler   = Value{}
	_ json.Unmarshaler = (*Value)(nil)
)

package console

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// readWithin is how long a body may take to arrive.
const readWithin = 30 * time.Second

// read decodes the body into v, which is a pointer to a struct. Members that
// are unknown, written twice or spelled in another case are refused, so that
// nothing is read in two ways; an empty body is an empty object.
func (k *call) read(v any) error {
	// Whoever sends a body byte by byte is not waited for. Not every writer can
	// set a deadline; the size is bounded all the same.
	rc := http.NewResponseController(k.w)
	_ = rc.SetReadDeadline(time.Now().Add(readWithin))
	data, err := io.ReadAll(k.r.Body)
	_ = rc.SetReadDeadline(time.Time{})
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Message: "the body is longer than 1 MiB"}
	}
	if err != nil {
		return badRequest("the body could not be read")
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	if err := shallow(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v, json.RejectUnknownMembers(true)); err != nil {
		return bodyError(data, err)
	}
	return nil
}

// maxDepth is how deep the objects and arrays of a body may nest.
const maxDepth = 32

func shallow(data []byte) error {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	if deepest > maxDepth {
		return badRequest("the body nests too deep")
	}
	return nil
}

// bodyError says where in the body something is wrong. It never quotes the
// body, which may hold a secret.
func bodyError(data []byte, err error) error {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		p := at(data, syntax.ByteOffset)
		p.Pointer, p.Message = string(syntax.JSONPointer), "not valid JSON"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			p.Message = "this member stands there twice"
		}
		return badRequest(p.Message, p)
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		p := at(data, semantic.ByteOffset)
		p.Pointer, p.Message = string(semantic.JSONPointer), "not the kind of value that belongs here"
		if errors.Is(err, json.ErrUnknownName) {
			p.Message = "there is no such member"
		}
		return badRequest(p.Message, p)
	}
	return badRequest("the body cannot be read as what belongs here")
}

// at returns a problem with the line and column of an offset.
func at(data []byte, offset int64) Problem {
	before := data[:min(max(int(offset), 0), len(data))]
	return Problem{
		Line:   1 + bytes.Count(before, []byte("\n")),
		Column: len(before) - bytes.LastIndexByte(before, '\n'),
	}
}

// problems collects what is wrong with a body.
type problems []Problem

func (p *problems) add(pointer, message string) {
	*p = append(*p, Problem{Pointer: pointer, Message: message})
}

// text checks a field of free text: present if need be, not too long, no control
// characters.
func (p *problems) text(pointer, value string, required bool) {
	switch {
	case required && strings.TrimSpace(value) == "":
		p.add(pointer, "this is needed")
	case !plain(value):
		p.add(pointer, "at most 256 bytes, without control characters and backslashes")
	}
}

// url checks an address loosely; what an upstream may be is for the gateway to
// say.
func (p *problems) url(pointer string, value *string) {
	if value == nil || *value == "" {
		return
	}
	u, err := url.Parse(*value)
	switch {
	case err != nil || len(*value) > 2048 || u.Host == "" || strings.ContainsAny(*value, "\\ "):
		p.add(pointer, "an address such as https://llm.example.com/v1 belongs here")
	case u.User != nil:
		p.add(pointer, "an address holds no user name and no password; keys have a place of their own")
	}
}

// secret checks a provider's key. Nothing of it appears in the message.
func (p *problems) secret(pointer string, s Secret) {
	v := s.Reveal()
	switch {
	case v == "":
		p.add(pointer, "this is needed")
	case len(v) > 8192:
		p.add(pointer, "longer than any key")
	case strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		p.add(pointer, "a key has no spaces or line breaks")
	}
}

// natural checks a number that cannot be negative or absurd.
func (p *problems) natural(pointer string, n, most int64) {
	if n < 0 || n > most {
		p.add(pointer, "out of range")
	}
}

// err is nil if nothing is wrong.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return Invalid(p...)
}

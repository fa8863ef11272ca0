package openai

import (
	"errors"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// A choice is what counts of one choice of a whole answer. It shares memory
// with the body.
type choice struct {
	message string // raw
	finish  string
	matched string // the stop sequence that matched, if the server says so
	cause   string // the choice's own error, raw
}

var errNoChoices = errors.New("the answer has no choices")

// errorEnd is how the text ends by which a choice can say that it broke off: the
// reasons "error" and "network_error", and the key "error". Inside of a string
// the quote would be escaped, so that no text of a model looks like it except
// at its very end.
const errorEnd = `error"`

// readAnswer reads what is certainly an answer: one with a message in its first
// choice, and with no choice that broke off. The choices of a good answer are
// not walked, but for what stands before the message.
func readAnswer(body []byte) (*dialect.Answer, error) {
	a, err := dialect.ReadAnswer(body)
	if err != nil {
		return nil, err
	}
	if strings.Contains(a.Choices, errorEnd) {
		if e := brokenChoice(a.Choices); e != nil {
			return nil, e
		}
	}
	if !hasMessage(a.Choices) {
		return nil, errNoChoices
	}
	return a, nil
}

// brokenChoice is the failure of the first choice that broke off, or nil.
func brokenChoice(choices string) *llm.Error {
	c := wire.NewCursor(choices)
	for range c.Elements() {
		k := readChoice(c)
		if e := brokenOff(k.finish, k.cause); e != nil {
			return e
		}
	}
	return nil
}

// hasMessage reports whether there is a message in the first choice.
func hasMessage(choices string) bool {
	c := wire.NewCursor(choices)
	for range c.Elements() {
		for key := range c.Members() {
			if key == "message" {
				return c.Kind() == '{'
			}
		}
		break
	}
	return false
}

func firstChoice(choices string) choice {
	c := wire.NewCursor(choices)
	for range c.Elements() {
		return readChoice(c)
	}
	return choice{}
}

func readChoice(c *wire.Cursor) choice {
	var k choice
	for key := range c.Members() {
		switch key {
		case "message":
			k.message = c.Raw()
		case "finish_reason":
			k.finish = c.Str()
		case "stop_reason":
			k.matched = c.Str()
		case "error":
			k.cause = c.Raw()
		}
	}
	return k
}

// brokenOff is the failure of a choice whose generation broke off, or nil:
// Z.AI and OpenRouter say so by its finish_reason, and OpenRouter gives the
// cause as the choice's own error, which stands here as it came or is empty.
func brokenOff(finish, cause string) *llm.Error {
	switch {
	case len(cause) > len("{}") && cause[0] == '{':
		return dialect.ReadError(0, nil, wire.Raw(cause))
	case finish == "network_error" || finish == "error":
		return &llm.Error{Class: llm.ClassTransient, Code: strings.Clone(finish), Message: "the provider broke off the answer: " + finish}
	}
	return nil
}

package dialect

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/jsonscan"
	"github.com/tidwall/gjson"
)

// Errors of ReadAnswer.
var (
	ErrEmptyAnswer = errors.New("the answer is empty")
	ErrWebPage     = errors.New("the answer is a web page")
)

// Answer is a complete answer that came with status 200, as far as it takes to
// tell whether it is one: the members of the top level that say so, each as it
// stands in the text, empty if it is not there. It shares memory with the body.
type Answer struct {
	Body []byte // without a byte order mark or space around it

	Choices, Content, Output string // one of them, by the dialect
	Usage                    string
	Status, StopReason       string // of a response and of a message
	signs
}

// ReadAnswer checks an answer and notes its members, in one pass. It returns an
// *llm.Error if the provider reported a failure in it, another error if it is
// not a JSON object at all.
func ReadAnswer(body []byte) (*Answer, error) {
	a := &Answer{Body: bytes.TrimSpace(wire.TrimBOM(body))}
	switch {
	case len(a.Body) == 0:
		return nil, ErrEmptyAnswer
	case a.Body[0] == '<':
		return nil, ErrWebPage
	}
	if err := wire.Scan(a.Body, a); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if a.failed() {
		return nil, ReadError(0, nil, a.Body)
	}
	return a, nil
}

// Root is the whole answer, for walking.
func (a *Answer) Root() gjson.Result { return gjson.Parse(wire.View(a.Body)) }

// Member notes a member of the top level.
func (a *Answer) Member(m jsonscan.Member) error {
	key, value := wire.KeyName(m.Key), wire.View(a.Body[m.Start:m.End])
	switch key {
	case "usage":
		first(&a.Usage, value)
	case "status":
		first(&a.Status, value)
	case "stop_reason":
		first(&a.StopReason, value)
	case "choices":
		first(&a.Choices, value)
	case "content":
		first(&a.Content, value)
	case "output":
		first(&a.Output, value)
	}
	a.note(key, value)
	return nil
}

// Text is of no interest.
func (a *Answer) Text(_, _ []byte) {}

// signs are the members of the top level that tell whether an answer is a
// failure, as they stand in its text.
type signs struct {
	failure, kind, success, message, code, base string

	answer bool // there is something that only an answer has
}

func (s *signs) note(key, value string) {
	switch key {
	case "error":
		first(&s.failure, value)
	case "type":
		first(&s.kind, value)
	case "success":
		first(&s.success, value)
	case "message":
		first(&s.message, value)
	case "code":
		first(&s.code, value)
	case "base_resp":
		first(&s.base, value)
	case "choices", "content", "output":
		s.answer = true
	}
}

// first keeps the first of members that have the same name.
func first(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

// failed says whether the members are those of a failure: an error, as most
// have it; MiniMax's base_resp; success false with a code; or Cerebras' form,
// which is not nested: a message with a code and nothing an answer would have.
func (s *signs) failed() bool {
	if failure := gjson.Parse(s.failure); failure.IsObject() || failure.Type == gjson.String && failure.Str != "" {
		return true
	}
	return gjson.Parse(s.kind).Str == "error" || gjson.Get(s.base, "status_code").Int() != 0 ||
		s.success == "false" && s.code != "" ||
		len(s.message) > 0 && s.message[0] == '"' && s.code != "" && !s.answer
}

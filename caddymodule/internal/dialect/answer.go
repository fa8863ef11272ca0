package dialect

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/tidwall/gjson"
)

// Errors of ParseAnswer.
var (
	ErrEmptyAnswer = errors.New("the answer is empty")
	ErrWebPage     = errors.New("the answer is a web page")
)

// ParseAnswer reads a complete answer that came with status 200. It returns an
// *llm.Error if the provider reported a failure in it, another error if it is
// not a JSON object at all.
func ParseAnswer(body []byte) (gjson.Result, error) {
	body = bytes.TrimSpace(wire.TrimBOM(body))
	if len(body) == 0 {
		return gjson.Result{}, ErrEmptyAnswer
	}
	if body[0] == '<' {
		return gjson.Result{}, ErrWebPage
	}
	root, err := wire.Parse(body)
	if err != nil {
		return root, fmt.Errorf("reading the answer: %w", err)
	}
	if e := FailureIn(root); e != nil {
		return root, e
	}
	return root, nil
}

// Package anthropic speaks Anthropic Messages, the dialect of Claude Code and
// of the Anthropic SDKs.
//
// Streams are made of named events; the official SDKs drop events without a
// name, want block indices contiguous from 0 and one block open at a time, and
// know no [DONE]. Usage leaves cached tokens out of input_tokens.
package anthropic

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Messages is the dialect. It holds no state.
type Messages struct{}

// New returns the dialect.
func New() dialect.Dialect { return Messages{} }

// Name returns llm.Anthropic.
func (Messages) Name() llm.Dialect { return llm.Anthropic }

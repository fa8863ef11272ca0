// Package openai speaks OpenAI Chat Completions, the dialect most providers
// offer and every one of them bends.
//
// Streams are data-only events that end with [DONE]. The decoder takes what
// compatible servers really send: no [DONE], no finish_reason, ids and names
// repeated or missing, whole calls in one chunk, reasoning under three names
// or as <think> text, usage in any of three places.
package openai

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Chat is the dialect. It holds no state. The zero value works, but dates
// answers whose provider gave no date to 1970.
type Chat struct{ now func() time.Time }

// New returns the dialect, with the system's clock.
func New() dialect.Dialect { return Chat{now: time.Now} }

// Name returns llm.OpenAI.
func (Chat) Name() llm.Dialect { return llm.OpenAI }

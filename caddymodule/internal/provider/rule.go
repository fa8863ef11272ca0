package provider

import (
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Rule says what one of a vendor's failures means. A rule applies if every
// field of its first group that is set fits; the first rule of a table that
// applies decides.
type Rule struct {
	// Code is the vendor's business code, as text.
	Code string
	// Type is the error's type. It never stands alone: vendors label spent
	// plans rate_limit_error, so Status or Text goes with it.
	Type string
	// Param is the error's param; Details its details.error_code.
	Param, Details string
	// Status is the HTTP status.
	Status int
	// Text is a piece of the message, in lower case.
	Text string
	// RetryAfter: the answer says when to come back. NoBody: it says nothing.
	RetryAfter, NoBody bool

	// Class is the verdict.
	Class llm.Class
	// Rest is how long to rest when the answer names no time. 0: the class's
	// own habit.
	Rest time.Duration
	// KeyModel narrows a class that otherwise concerns the whole account to
	// this key and model.
	KeyModel bool
	// Note is what an operator should know, or "".
	Note string
}

// Failure is what was read from an answer that reports a failure. Text is the
// lower-cased message.
type Failure struct {
	Status                     int
	Code, Type, Param, Details string
	Message, Text              string
	RetryAfter, NoBody         bool
}

// Applies reports whether r says something about f.
func (r *Rule) Applies(f *Failure) bool {
	return (r.Code == "" || r.Code == f.Code) &&
		(r.Type == "" || r.Type == f.Type) &&
		(r.Param == "" || r.Param == f.Param) &&
		(r.Details == "" || r.Details == f.Details) &&
		(r.Status == 0 || r.Status == f.Status) &&
		(!r.RetryAfter || f.RetryAfter) && (!r.NoBody || f.NoBody) &&
		(r.Text == "" || strings.Contains(f.Text, r.Text))
}

// Rule returns the first rule of the vendor's family that applies to f, or
// nil. OpenAI's and Anthropic's codes follow for every vendor, a nil one
// included: whoever speaks their dialects borrows them.
func (v *Vendor) Rule(f *Failure) *Rule {
	for _, table := range [...][]Rule{v.rules(), openaiRules, anthropicRules} {
		for i := range table {
			if table[i].Applies(f) {
				return &table[i]
			}
		}
	}
	return nil
}

// rules returns the table of the vendor's family.
func (v *Vendor) rules() []Rule {
	if v == nil {
		return nil
	}
	switch v.Family {
	case "cerebras":
		return cerebrasRules
	case "zai":
		return zaiRules
	case "minimax":
		return minimaxRules
	case "synthetic":
		return syntheticRules
	case "openai":
		return openaiRules
	case "anthropic":
		return anthropicRules
	case "openrouter":
		return openrouterRules
	case "groq":
		return groqRules
	case "deepseek":
		return deepseekRules
	case "moonshot":
		return moonshotRules
	case "ollama", "vllm", "llamacpp":
		return localRules
	}
	return nil
}

package main

import (
	"encoding/json"
	"net/http"
	"strconv"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Anthropic says with a status of its own that it has too much to do.
const anthropicOverloaded = 529

// refused says that the answer turns a request away, which the load allows.
func (l load) refused(r *vegeta.Result) bool {
	if l.messages && r.Code == anthropicOverloaded {
		return l.mayRefuse
	}
	return l.mayRefuse && r.Code == http.StatusServiceUnavailable
}

// unclean returns what is wrong with a refusal: it says when to come again, and what it says is an error object of the
// client's own dialect.
func unclean(r *vegeta.Result, messages bool) string {
	if n, err := strconv.Atoi(r.Headers.Get("Retry-After")); err != nil || n < 1 {
		return "a refusal with Retry-After " + strconv.Quote(r.Headers.Get("Retry-After"))
	}
	var body struct {
		Type  string
		Error struct{ Type, Message string }
	}
	if err := json.Unmarshal(r.Body, &body); err != nil || body.Error.Message == "" || body.Error.Type == "" {
		return "a refusal without an error object"
	}
	if (body.Type == "error") != messages {
		return "a refusal in another dialect"
	}
	return ""
}

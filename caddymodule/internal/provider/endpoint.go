package provider

import (
	"net/http"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// AuthStyle is how an endpoint wants to see the key.
type AuthStyle string

// The ways to send a key.
const (
	AuthBearer AuthStyle = "bearer"    // Authorization: Bearer KEY
	AuthAPIKey AuthStyle = "x-api-key" // x-api-key: KEY
	AuthNone   AuthStyle = "none"      // a key is never sent
)

// Endpoint is where and how a vendor speaks one dialect.
type Endpoint struct {
	// BaseURL is what the vendor documents as base URL for SDKs, or what the
	// user wrote; see URL for the spellings understood.
	BaseURL string
	Auth    AuthStyle
	// Headers are sent with every request.
	Headers map[string]string
	// Embeddings, Models, CountTokens and InputTokens say which calls beside
	// the main one exist.
	Embeddings, Models, CountTokens, InputTokens bool
}

// Call names what is asked of an endpoint.
type Call uint8

// The calls of an endpoint. CallMain is the completion itself: messages, chat
// completions or responses, by dialect.
const (
	CallMain Call = iota
	CallCountTokens
	CallModels
	CallEmbeddings
	CallInputTokens
)

// Has reports whether the vendor documents the call.
func (e Endpoint) Has(c Call) bool {
	switch c {
	case CallMain:
		return e.BaseURL != ""
	case CallCountTokens:
		return e.CountTokens
	case CallModels:
		return e.Models
	case CallEmbeddings:
		return e.Embeddings
	case CallInputTokens:
		return e.InputTokens
	}
	return false
}

// oauthBeta is the beta flag without which Anthropic refuses an OAuth token.
const oauthBeta = "oauth-2025-04-20"

// Authorize puts the endpoint's own headers and the key into h, and removes
// any other credential that stood there: sending both Authorization and
// x-api-key is refused by some vendors and leaks a client's key to all.
// Headers of h win over the endpoint's, so that a client's anthropic-version
// stays.
func (e Endpoint) Authorize(h http.Header, key string) {
	delete(h, "Authorization")
	delete(h, "X-Api-Key")
	for name, value := range e.Headers {
		if h.Get(name) == "" {
			h.Set(name, value)
		}
	}
	switch {
	case key == "" || e.Auth == AuthNone:
	case e.Auth == AuthAPIKey && strings.HasPrefix(key, "sk-ant-oat"):
		h["Authorization"] = []string{"Bearer " + key}
		addBeta(h, oauthBeta)
	case e.Auth == AuthAPIKey:
		h["X-Api-Key"] = []string{key}
	default:
		h["Authorization"] = []string{"Bearer " + key}
	}
}

func addBeta(h http.Header, flag string) {
	have := strings.Join(h.Values("Anthropic-Beta"), ",")
	switch {
	case strings.Contains(have, flag):
	case have == "":
		h.Set("Anthropic-Beta", flag)
	default:
		h.Set("Anthropic-Beta", have+","+flag)
	}
}

// path is what follows the version segment for each call.
func (c Call) path(d llm.Dialect) string {
	switch c {
	case CallCountTokens:
		return "/messages/count_tokens"
	case CallModels:
		return "/models"
	case CallEmbeddings:
		return "/embeddings"
	case CallInputTokens:
		return "/responses/input_tokens"
	}
	switch d {
	case llm.Anthropic:
		return "/messages"
	case llm.Responses:
		return "/responses"
	}
	return "/chat/completions"
}

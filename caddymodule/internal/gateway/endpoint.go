package gateway

import (
	"net/http"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// endpoint is what a path asks for: a call of a model, or one of the gateway's
// own pages.
type endpoint struct {
	path    string
	dialect llm.Dialect
	call    provider.Call
	page    func(*Gateway, http.ResponseWriter, *http.Request)
}

// counts reports whether the call only counts tokens, which costs nothing.
func (e endpoint) counts() bool {
	return e.call == provider.CallCountTokens || e.call == provider.CallInputTokens
}

// endpoints are the calls of a model, by path below the version segment. All
// are POST.
var endpoints = map[string]endpoint{
	"/messages":               {path: "/v1/messages", dialect: llm.Anthropic},
	"/messages/count_tokens":  {path: "/v1/messages/count_tokens", dialect: llm.Anthropic, call: provider.CallCountTokens},
	"/chat/completions":       {path: "/v1/chat/completions", dialect: llm.OpenAI},
	"/responses":              {path: "/v1/responses", dialect: llm.Responses},
	"/responses/input_tokens": {path: "/v1/responses/input_tokens", dialect: llm.Responses, call: provider.CallInputTokens},
	"/embeddings":             {path: "/v1/embeddings", dialect: llm.OpenAI, call: provider.CallEmbeddings},
}

// endpointOf finds what a request asks for. Only the path counts, so that
// ?beta=true does no harm.
func endpointOf(r *http.Request) endpoint {
	path := plainPath(r.URL.Path)
	if e, ok := endpoints[path]; ok {
		if r.Method != http.MethodPost {
			return endpoint{dialect: e.dialect, page: methodNotAllowed}
		}
		return e
	}
	page, ok := pages[path]
	switch {
	case strings.HasPrefix(path, "/models/"):
		page, ok = (*Gateway).serveModel, true
	case path == "" || path == "/":
		page, ok = (*Gateway).serveRoot, true
	}
	switch {
	case !ok:
		page = notFound
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		page = methodNotAllowed
	}
	return endpoint{page: page}
}

// pages are what the gateway answers by itself, by GET or HEAD.
var pages = map[string]func(*Gateway, http.ResponseWriter, *http.Request){
	"/models":  (*Gateway).serveModels,
	"/healthz": (*Gateway).serveHealth,
	"/readyz":  (*Gateway).serveReady,
	// Claude Code warms its connection up here; any status will do.
	"/api/hello": (*Gateway).serveRoot,
}

// plainPath takes away what people put in front of a call: /anthropic, and the
// version segment once, twice (a base URL with /v1 given to an SDK that adds
// its own) or not at all.
func plainPath(path string) string {
	path = strings.TrimSuffix(path, "/")
	for _, prefix := range [...]string{"/anthropic", "/v1", "/v1"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	return path
}

// pageDialect guesses the dialect of a request that no call's path decides.
func pageDialect(r *http.Request) llm.Dialect {
	agent := strings.ToLower(r.UserAgent())
	switch {
	case strings.HasPrefix(r.URL.Path, "/anthropic"), r.Header.Get("Anthropic-Version") != "",
		r.Header.Get("X-Api-Key") != "", strings.Contains(agent, "claude"), strings.Contains(agent, "anthropic"),
		strings.Contains(r.URL.Path, "/messages"):
		return llm.Anthropic
	}
	return llm.OpenAI
}

func notFound(g *Gateway, w http.ResponseWriter, r *http.Request) {
	g.page(w, r, &llm.Error{Type: llm.ErrNotFound, Status: http.StatusNotFound,
		Message: "no such path: " + r.Method + " " + clip(r.URL.Path, 200) +
			"; aimux serves /v1/messages, /v1/chat/completions, /v1/responses, /v1/embeddings and /v1/models"})
}

func methodNotAllowed(g *Gateway, w http.ResponseWriter, r *http.Request) {
	allow := "GET, HEAD"
	if _, ok := endpoints[plainPath(r.URL.Path)]; ok {
		allow = "POST"
	}
	w.Header().Set("Allow", allow)
	g.page(w, r, &llm.Error{Type: llm.ErrMethod, Status: http.StatusMethodNotAllowed,
		Message: r.Method + " is not possible here; allowed: " + allow})
}

// page answers with an error outside the pipeline.
func (g *Gateway) page(w http.ResponseWriter, r *http.Request, e *llm.Error) {
	e.RequestID = newID()
	w.Header().Set("X-Aimux-Request-Id", e.RequestID)
	status, header, body := g.Dialects.Get(pageDialect(r)).EncodeError(e)
	writeAll(w, status, header, body)
}

func writeAll(w http.ResponseWriter, status int, header http.Header, body []byte) {
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// clip shortens text that came from a client to n bytes.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

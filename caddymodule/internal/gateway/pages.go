package gateway

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/jsonscan"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// ModelInfo is an entry of the model lists: an alias, or a model of a provider.
type ModelInfo struct {
	ID      string // what a client may ask for
	Title   string // for people. Default: ID
	Owner   string // the provider, or "aimux" for an alias
	Alias   bool
	Context int // tokens; 0: unknown
	Output  int // tokens; 0: unknown
}

// epoch is the creation time shown for models that tell none: clients need a
// valid one.
const (
	epochSeconds = 1767225600
	epochText    = "2026-01-01T00:00:00Z"
)

// serveModels answers GET /v1/models in the shape of the client's dialect, from
// memory. Messages clients see aliases under ids that contain "claude", because
// Claude Code's gateway discovery keeps no others.
func (g *Gateway) serveModels(w http.ResponseWriter, r *http.Request) {
	client, err := g.identify(r)
	if err != nil {
		g.page(w, r, err)
		return
	}
	d := pageDialect(r)
	models := g.visible(client, d)
	out := append(make([]byte, 0, 128*len(models)+64), `{"object":"list","data":[`...)
	if d == llm.Anthropic {
		out = append(out[:0], `{"data":[`...)
	}
	for i := range models {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendModel(out, &models[i], d)
	}
	out = append(out, ']')
	if d == llm.Anthropic {
		out = append(out, `,"has_more":false`...)
		out = appendEnds(out, models)
	}
	writeAll(w, http.StatusOK, http.Header{"Content-Type": contentJSON}, append(out, '}', '\n'))
}

// visible is what a client may ask for in a dialect.
func (g *Gateway) visible(client Client, d llm.Dialect) []ModelInfo {
	models := make([]ModelInfo, 0, len(g.Models))
	for _, m := range g.Models {
		if client.Allows(m.ID, d) {
			models = append(models, m)
		}
	}
	return models
}

func appendEnds(out []byte, models []ModelInfo) []byte {
	if len(models) == 0 {
		return append(out, `,"first_id":null,"last_id":null`...)
	}
	out = jsonscan.AppendString(append(out, `,"first_id":`...), listID(&models[0], llm.Anthropic))
	return jsonscan.AppendString(append(out, `,"last_id":`...), listID(&models[len(models)-1], llm.Anthropic))
}

// listID is the id under which a model is listed.
func listID(m *ModelInfo, d llm.Dialect) string {
	if d == llm.Anthropic && m.Alias && !strings.Contains(m.ID, "claude") {
		return modelPrefix + m.ID
	}
	return m.ID
}

func appendModel(out []byte, m *ModelInfo, d llm.Dialect) []byte {
	out = jsonscan.AppendString(append(out, `{"id":`...), listID(m, d))
	if d != llm.Anthropic {
		out = fmt.Appendf(out, `,"object":"model","created":%d,"owned_by":`, epochSeconds)
		return append(jsonscan.AppendString(out, m.Owner), '}')
	}
	title := m.Title
	if title == "" {
		title = m.ID
	}
	out = jsonscan.AppendString(append(out, `,"type":"model","display_name":`...), title)
	out = append(out, `,"created_at":"`+epochText+`"`...)
	if m.Context > 0 {
		out = fmt.Appendf(out, `,"max_input_tokens":%d`, m.Context)
	}
	if m.Output > 0 {
		out = fmt.Appendf(out, `,"max_tokens":%d`, m.Output)
	}
	return append(out, '}')
}

// serveModel answers GET /v1/models/{id}. Ids may hold slashes.
func (g *Gateway) serveModel(w http.ResponseWriter, r *http.Request) {
	client, err := g.identify(r)
	if err != nil {
		g.page(w, r, err)
		return
	}
	d := pageDialect(r)
	id := strings.TrimPrefix(plainPath(r.URL.Path), "/models/")
	models := g.visible(client, d)
	for i := range models {
		if m := &models[i]; m.ID == id || listID(m, d) == id || m.ID == routeName(id) {
			writeAll(w, http.StatusOK, http.Header{"Content-Type": contentJSON}, append(appendModel(nil, m, d), '\n'))
			return
		}
	}
	g.page(w, r, &llm.Error{Type: llm.ErrModelNotFound, Status: http.StatusNotFound, Code: "model_not_found",
		Message: fmt.Sprintf("no model or alias %q", clip(id, 120))})
}

// serveRoot answers people and probes.
func (g *Gateway) serveRoot(w http.ResponseWriter, _ *http.Request) {
	text := "aimux " + g.Version + " is running.\n\n" +
		"ANTHROPIC_BASE_URL=http://<this address>\nOPENAI_BASE_URL=http://<this address>/v1\n\n" +
		"GET /v1/models lists what can be asked for, GET /readyz says whether it can be asked now.\n"
	writeAll(w, http.StatusOK, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte(text))
}

// serveHealth says that the process lives.
func (g *Gateway) serveHealth(w http.ResponseWriter, _ *http.Request) {
	writeAll(w, http.StatusOK, http.Header{"Content-Type": contentJSON}, []byte(`{"status":"ok"}`+"\n"))
}

// serveReady says whether new work is welcome: not while the process is going
// down.
func (g *Gateway) serveReady(w http.ResponseWriter, _ *http.Request) {
	status, text := http.StatusOK, `{"status":"ready"}`
	if !g.Ready() || g.Traffic.Draining() {
		status, text = http.StatusServiceUnavailable, `{"status":"draining"}`
	}
	writeAll(w, status, http.Header{"Content-Type": contentJSON}, []byte(text+"\n"))
}

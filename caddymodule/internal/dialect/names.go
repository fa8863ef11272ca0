package dialect

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// maxName is the length of a tool name that every provider takes.
const maxName = 64

// WireName is the name a tool goes by upstream: its namespace in front, and
// shortened with a digest where it is too long or has other characters than
// [a-zA-Z0-9_-]. The same tool always gets the same name, so that history and
// prompt caches agree; Names turns it back.
func WireName(namespace, name string) string {
	full := name
	if namespace != "" {
		full = namespace + "__" + name
	}
	if len(full) <= maxName && isName(full) {
		return full
	}
	const tail = 12
	clean := strings.Map(nameRune, full)
	return clean[:min(len(clean), maxName-tail-1)] + "_" + digest(full)[:tail]
}

func nameRune(r rune) rune {
	if r < 0x80 && isName(string(r)) {
		return r
	}
	return '_'
}

// Names finds the tool a model called by the name it went by upstream.
type Names struct{ tools map[string]*llm.Tool }

// NamesOf returns the Names of r's tools. A nil r has none.
func NamesOf(r *llm.Request) Names {
	if r == nil || len(r.Tools) == 0 {
		return Names{}
	}
	n := Names{tools: make(map[string]*llm.Tool, len(r.Tools))}
	for i := range r.Tools {
		t := &r.Tools[i]
		n.tools[WireName(t.Namespace, t.Name)] = t
	}
	return n
}

// Restore gives c the name and namespace the client declared the tool with,
// and says by Custom whether the client expects raw text. The input itself is
// left alone; see CustomInput. A tool nobody declared keeps its name.
func (n Names) Restore(c *llm.ToolCall) {
	t, ok := n.tools[c.Name]
	if !ok {
		return
	}
	c.Name, c.Namespace, c.Custom = t.Name, t.Namespace, t.Kind == llm.ToolCustom
}

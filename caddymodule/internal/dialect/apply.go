package dialect

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// ApplyPolicy edits a request that goes on in the client's own dialect d:
// top-level members are renamed, dropped or clamped as p says, and what is
// private to Anthropic or was minted by aimux is taken out (see scrub).
// Everything else stays byte-identical; without an edit body itself comes back.
//
// dropped names the members left out, in copies that outlive body. The error is an *llm.Error if p refuses
// a member. body must be one valid JSON object. A nil p is the zero Policy.
func ApplyPolicy(body []byte, d llm.Dialect, p *Policy) (edited []byte, dropped []string, err error) {
	if p == nil {
		p = &Policy{}
	}
	root := gjson.Parse(wire.View(body))
	if !root.IsObject() {
		return nil, nil, Invalid("", "the request body is "+wire.ErrObject.Error())
	}
	a := applier{Splice: wire.NewSplice(body), d: d, p: p, root: root}
	a.Remove(root, a.member)
	if a.err != nil {
		return nil, a.dropped, a.err
	}
	a.scrub()
	return a.Bytes(), a.dropped, nil
}

type applier struct {
	*wire.Splice
	d       llm.Dialect
	p       *Policy
	root    gjson.Result
	dropped []string
	err     error
	// What scrub looks at, noted on the way.
	messages, system gjson.Result
}

// member edits one top-level member and reports whether it is to go.
func (a *applier) member(k, v gjson.Result) (drop bool) {
	key := k.Str
	to, ok := a.p.admit(key)
	if slices.Contains(a.p.Refuse, key) {
		if a.err == nil && !isDefault(key, wire.Raw(v.Raw)) {
			a.err = Refused(key)
		}
		return true
	}
	if !ok || a.unwanted(key, v) || to != key && a.root.Get(gjsonPath(to)).Exists() {
		if v.Type != gjson.Null {
			a.dropped = append(a.dropped, strings.Clone(key))
		}
		return true
	}
	if to != key {
		a.Replace(k.Raw, strconv.Quote(to))
	}
	a.value(key, v)
	return false
}

// gjsonPath is key as a gjson path: member names of requests hold letters,
// digits and underscores, anything else is not looked up.
func gjsonPath(key string) string {
	if isName(key) {
		return key
	}
	return "@this.none"
}

// unwanted reports whether a member that the policy does not name cannot go
// to this upstream.
func (a *applier) unwanted(key string, v gjson.Result) bool {
	switch key {
	case "tool_choice":
		return a.p.NoToolChoice && choiceMode(v) != "auto"
	case "tools", "parallel_tool_calls": // none is kept by offering no tools
		return a.p.NoToolChoice && choiceMode(a.root.Get("tool_choice")) == "none"
	case "metadata":
		return a.d == llm.Anthropic && !a.p.Genuine
	}
	return false
}

// choiceMode is the mode of a tool_choice in any dialect.
func choiceMode(v gjson.Result) string {
	if v.Type == gjson.String {
		return v.Str
	}
	return v.Get("type").Str
}

// WithoutTools reports whether the tools of r are not to be sent to an upstream
// with policy p: the client forbids calls, and the upstream cannot be told.
func WithoutTools(r *llm.Request, p *Policy) bool {
	return p.NoToolChoice && r.ToolChoice != nil && r.ToolChoice.Mode == "none" && len(r.Tools) > 0
}

// ForcesCall reports whether r has tools and demands that one of them is called.
func ForcesCall(r *llm.Request) bool {
	c := r.ToolChoice
	return c != nil && len(r.Tools) > 0 && (c.Mode == "tool" || c.Mode == "any")
}

// ChosenTool returns the wire name of the tool that r's choice names, "" if it
// is not one of those offered or the choice names none.
func ChosenTool(r *llm.Request, offered []*llm.Tool) string {
	if r.ToolChoice == nil || r.ToolChoice.Mode != "tool" {
		return ""
	}
	for _, t := range offered {
		if t.Name == r.ToolChoice.Name && t.Name != "" {
			return WireName(t.Namespace, t.Name)
		}
	}
	return ""
}

// value clamps a member's value.
func (a *applier) value(key string, v gjson.Result) {
	switch key {
	case "max_tokens", "max_completion_tokens", "max_output_tokens":
		if a.p.MaxOutput > 0 && v.Int() > int64(a.p.MaxOutput) {
			a.Replace(v.Raw, strconv.Itoa(a.p.MaxOutput))
		}
	case "temperature":
		if a.p.Temperature > 0 && v.Num > a.p.Temperature {
			a.Replace(v.Raw, strconv.FormatFloat(a.p.Temperature, 'g', -1, 64))
		}
	case "stop", "stop_sequences":
		if list := Strings(v); a.p.MaxStop > 0 && len(list) > a.p.MaxStop {
			a.Replace(v.Raw, string(AppendStrings(nil, list[:a.p.MaxStop])))
			a.dropped = append(a.dropped, strings.Clone(key))
		}
	case "reasoning_effort":
		if to := NearestEffort(v.Str, a.p.Efforts); to != v.Str {
			a.Replace(v.Raw, strconv.Quote(to))
		}
	case "response_format":
		if a.p.NoSchema && v.Get("type").Str == "json_schema" {
			a.Replace(v.Raw, `{"type":"json_object"}`)
			a.dropped = append(a.dropped, key+".json_schema")
		}
	case "messages":
		a.messages = v
	case "system":
		a.system = v
	}
}

package simulator

import (
	"strconv"
	"strings"
)

// tool is one tool a request declares.
type tool struct {
	name      string
	namespace string // Responses
	custom    bool   // Responses and Chat: freeform input instead of JSON
	schema    []byte
}

// toolCall is a call the simulator was told to make.
type toolCall struct {
	tool tool
	args string // JSON, or raw text for a custom tool
}

// tools lists the tools of the request in every spelling: Messages (name, input_schema), Chat (function or custom),
// Responses (flat, custom, or inside a namespace).
func (a *ask) tools() []tool { return appendTools(nil, a.toolList, "") }

func appendTools(list []tool, raw []byte, namespace string) []tool {
	for e := range elements(raw) {
		kind := text(member(e, "type"))
		if kind == "namespace" {
			list = appendTools(list, member(e, "tools"), text(member(e, "name")))
			continue
		}
		for _, inner := range []string{"function", "custom"} {
			if v := member(e, inner); v != nil {
				e = v
			}
		}
		t := tool{name: text(member(e, "name")), namespace: namespace, custom: kind == "custom" && member(e, "input_schema") == nil}
		if t.schema = member(e, "input_schema"); t.schema == nil {
			t.schema = member(e, "parameters")
		}
		if t.name != "" {
			list = append(list, t)
		}
	}
	return list
}

// calls returns the tool calls the request asks for: those the last user text spells as call:TOOL {…}, else the one
// that tool_choice forces. After a tool result it asks for none.
func (a *ask) calls(said string) []toolCall {
	mode, forced := a.choice()
	if len(a.results) > 0 || len(a.toolList) == 0 || mode == "none" {
		return nil
	}
	commanded := strings.Contains(said, "call:")
	if !commanded && mode != "required" && forced == "" {
		return nil
	}
	tools := a.tools()
	calls := commandedCalls(said, tools)
	if len(calls) == 0 && (mode == "required" || forced != "") {
		calls = forcedCall(tools, forced)
	}
	if a.single && len(calls) > 1 {
		calls = calls[:1]
	}
	return calls
}

// choice reads tool_choice in the three spellings: the mode none, auto or required, or the name of a tool.
func (a *ask) choice() (mode, name string) {
	v := a.toolChoice
	if s := text(v); s != "" {
		return s, ""
	}
	switch kind := text(member(v, "type")); kind {
	case "any":
		return "required", ""
	case "none", "auto", "":
		return kind, ""
	case "allowed_tools":
		return text(member(v, "mode")), ""
	}
	for _, inner := range []string{"function", "custom"} {
		if f := member(v, inner); f != nil {
			v = f
		}
	}
	return "", text(member(v, "name"))
}

func forcedCall(tools []tool, name string) []toolCall {
	for _, t := range tools {
		if name == "" || t.name == name {
			return []toolCall{{tool: t, args: string(fitArgs(t))}}
		}
	}
	return nil
}

// commandedCalls reads every call:TOOL {"json":…} in said that names a tool of the list. Without JSON the arguments are
// the least that the tool's schema takes. A custom tool takes a JSON string, or JSON with an input member.
func commandedCalls(said string, tools []tool) (calls []toolCall) {
	for {
		_, after, found := strings.Cut(said, "call:")
		if !found {
			return calls
		}
		said = after
		name, rest := cutToolName(after)
		t, ok := findTool(tools, name)
		if !ok {
			continue
		}
		args, used := argsOf(t, rest)
		said = rest[used:]
		calls = append(calls, toolCall{t, args})
	}
}

// argsOf reads the arguments at the front of s and returns how much of s they take.
func argsOf(t tool, s string) (args string, used int) {
	b := []byte(s)
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' && b[i] != '"' {
		return string(fitArgs(t)), 0
	}
	end := skipValue(b, i)
	if end < 0 {
		return string(fitArgs(t)), 0
	}
	v := b[i:end]
	if !t.custom {
		return string(v), end
	}
	if in := member(v, "input"); in != nil {
		v = in
	}
	return text(v), end
}

// cutToolName takes a tool's name off the front of s: letters, digits and _-./:# as in #2, the second tool.
func cutToolName(s string) (name, rest string) {
	i := 0
	for i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z' || s[i] >= '0' && s[i] <= '9' || strings.IndexByte("_-./#", s[i]) >= 0) {
		i++
	}
	return s[:i], s[i:]
}

// findTool finds a tool by its name, by namespace and name (ns/name, ns.name), by its number (#1), or, since gateways
// shorten long names, by the longest beginning it shares with the name, 24 characters at least.
func findTool(tools []tool, name string) (tool, bool) {
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "#")); err == nil && name[0] == '#' && n >= 1 && n <= len(tools) {
		return tools[n-1], true
	}
	for _, t := range tools {
		if name == t.name || t.namespace != "" && (name == t.namespace+"/"+t.name || name == t.namespace+"."+t.name) {
			return t, true
		}
	}
	best, shared := tool{}, 23
	for _, t := range tools {
		if n := commonPrefix(t.name, name); n > shared {
			best, shared = t, n
		}
	}
	return best, best.name != ""
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

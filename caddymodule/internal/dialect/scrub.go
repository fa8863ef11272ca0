package dialect

import (
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// scrub edits what lies below the top level, only if a search of the bytes
// finds any of it: Claude Code's attribution block for anyone but Anthropic,
// thinking blocks that aimux signed for another provider, roles and reasoning
// fields the upstream does not know.
func (a *applier) scrub() {
	switch a.d {
	case llm.Anthropic:
		if !a.p.Genuine && strings.Contains(a.system.Raw, attribution) {
			a.dropAttribution()
		}
		if strings.Contains(a.messages.Raw, ownMark) {
			a.eachMessage(a.dropOwnThinking)
		}
		if a.p.SystemFirst && strings.Contains(a.messages.Raw, `"system"`) {
			a.eachMessage(a.systemToUser)
		}
	case llm.OpenAI:
		if a.p.NoDeveloper && strings.Contains(a.messages.Raw, `"developer"`) {
			a.eachMessage(a.developerToSystem)
		}
		if a.reasoningMatters() && strings.Contains(a.messages.Raw, `"reasoning`) {
			a.eachMessage(a.renameReasoning)
		}
	}
}

func (a *applier) eachMessage(edit func(m gjson.Result)) {
	a.messages.ForEach(func(_, m gjson.Result) bool {
		edit(m)
		return true
	})
}

func (a *applier) dropAttribution() {
	if !a.system.IsArray() {
		return
	}
	left := a.Remove(a.system, func(_, b gjson.Result) bool {
		return strings.HasPrefix(b.Get("text").Str, attribution)
	})
	if left == 0 {
		a.Replace(a.system.Raw, `[{"type":"text","text":"You are a helpful assistant."}]`)
	}
}

// dropOwnThinking takes out thinking that no Messages provider signed: it
// would be refused as forged.
func (a *applier) dropOwnThinking(m gjson.Result) {
	content := m.Get("content")
	if !content.IsArray() || !strings.Contains(content.Raw, ownMark) {
		return
	}
	isOwn := func(_, b gjson.Result) bool {
		return b.Get("type").Str == "thinking" && IsOwnSignature(b.Get("signature").Str)
	}
	left := 0
	content.ForEach(func(k, b gjson.Result) bool {
		if !isOwn(k, b) {
			left++
		}
		return true
	})
	if left == 0 {
		a.Replace(content.Raw, `[{"type":"text","text":"(no answer)"}]`)
		return
	}
	a.Remove(content, isOwn)
}

func (a *applier) systemToUser(m gjson.Result)      { a.changeRole(m, "system", llm.RoleUser) }
func (a *applier) developerToSystem(m gjson.Result) { a.changeRole(m, "developer", llm.RoleSystem) }

func (a *applier) changeRole(m gjson.Result, from string, to llm.Role) {
	if role := m.Get("role"); role.Str == from {
		a.Replace(role.Raw, `"`+string(to)+`"`)
	}
}

// reasoningMatters reports whether the upstream wants reasoning text under a
// name of its own, or is strict and knows none.
func (a *applier) reasoningMatters() bool { return a.p.Reasoning != "" || len(a.p.Allow) > 0 }

// renameReasoning gives reasoning text in history the name the upstream
// knows, or takes it out.
func (a *applier) renameReasoning(m gjson.Result) {
	if m.Get("role").Str != "assistant" {
		return
	}
	names := [...]string{"reasoning", "reasoning_content", "reasoning_details"}
	hasWanted := m.Get(gjsonPath(a.p.Reasoning)).Exists()
	a.Remove(m, func(k, v gjson.Result) bool {
		if !slices.Contains(names[:], k.Str) || k.Str == a.p.Reasoning {
			return false
		}
		if hasWanted || a.p.Reasoning == "" || v.Type != gjson.String || a.p.Reasoning == "reasoning_details" {
			return true
		}
		a.Replace(k.Raw, wire.View(wire.Quote(nil, a.p.Reasoning)))
		hasWanted = true
		return false
	})
}

// NeedsScrub reports whether ApplyPolicy may have something to edit below the
// top level of body, or something private to take out, that a look at the
// names of its top-level members does not tell. It only searches bytes.
func NeedsScrub(body []byte, d llm.Dialect, p *Policy) bool {
	if p == nil {
		p = &Policy{}
	}
	s := wire.View(body)
	switch d {
	case llm.Anthropic:
		return !p.Genuine && (strings.Contains(s, `"metadata"`) || strings.Contains(s, attribution)) ||
			strings.Contains(s, ownMark) || p.SystemFirst && strings.Contains(s, `"system"`)
	case llm.OpenAI:
		a := applier{p: p}
		return p.NoDeveloper && strings.Contains(s, `"developer"`) ||
			a.reasoningMatters() && strings.Contains(s, `"reasoning`)
	}
	return false
}

// Package repair makes a conversation valid for every provider.
//
// Clients send histories that no provider wrote: results out of order, split
// over several messages, missing, twice, or without a call; turns of one role
// in a row; empty text; thinking of a provider that is no longer asked. Each
// provider refuses some of it. All encoders of requests pass the messages
// through History first, so the rules stand in one place.
package repair

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// NoResult is the text of the result put in for a call nobody answered.
const NoResult = "no result: the call was not run, or its result was lost"

// Options say what a target wants beyond what all of them want.
type Options struct {
	// KeepThinking says which thinking blocks the target may see. Nil: none.
	KeepThinking func(*llm.Block) bool
	// Merge joins neighbouring turns of one role into one.
	Merge bool
	// UserFirst puts a user turn in front if there is none.
	UserFirst bool
	// SystemAsUser turns system turns in mid-conversation into user text.
	SystemAsUser bool
}

// History returns the conversation in in a form that every provider takes:
// each turn with calls is followed at once by one user turn that answers all of
// them, in order, results before anything else. The messages in in are not
// changed; what is returned shares memory with them.
func History(in []llm.Message, o Options) []llm.Message {
	r := repairer{options: o, out: make([]llm.Message, 0, len(in)+1)}
	r.calls.fill(in)
	r.asked = map[string]int{}
	for i := range in {
		r.turn(&in[i], i)
	}
	r.answerOpen()
	if o.Merge {
		r.out = merge(r.out)
	}
	if o.UserFirst && (len(r.out) == 0 || r.out[0].Role != llm.RoleUser) {
		r.out = slices.Insert(r.out, 0, llm.Message{Role: llm.RoleUser,
			Blocks: []llm.Block{{Kind: llm.KindText, Text: "Continue the conversation."}}})
	}
	return r.out
}

type repairer struct {
	options Options
	out     []llm.Message
	calls   callIndex
	// asked counts how often a call id was used so far, to keep ids unique.
	asked map[string]int
	// open are the calls of the last assistant turn that wait for results.
	open []openCall
	// wasAssistant says that the message before was the assistant's.
	wasAssistant bool
}

// An openCall is a call as it came, the message it stood in and the id it goes
// by now.
type openCall struct {
	call *llm.ToolCall
	at   int
	now  string
}

func (r *repairer) turn(m *llm.Message, at int) {
	if m.Role == llm.RoleAssistant {
		r.assistant(m, at)
		r.wasAssistant = true
		return
	}
	r.wasAssistant = false
	r.answerOpen()
	blocks := r.plainBlocks(m.Blocks)
	if len(blocks) == 0 {
		return
	}
	role := m.Role
	if role == llm.RoleDeveloper {
		role = llm.RoleSystem
	}
	if role == llm.RoleSystem && r.options.SystemAsUser {
		role, blocks = llm.RoleUser, asReminders(blocks)
	}
	r.out = append(r.out, llm.Message{Role: role, Name: m.Name, Blocks: blocks, Extra: m.Extra})
}

// assistant appends a turn of the model: foreign thinking and empty text left
// out, a call that is there twice only once, ids that come again made unique.
// What follows another assistant turn belongs to it: its calls are parallel.
func (r *repairer) assistant(m *llm.Message, at int) {
	kept := r.kept(m.Blocks, at)
	if len(kept) == 0 || onlyThinking(kept) {
		return
	}
	if n := len(r.out); r.wasAssistant && n > 0 && r.out[n-1].Role == llm.RoleAssistant {
		r.out[n-1].Blocks = slices.Concat(r.out[n-1].Blocks, kept)
		return
	}
	r.out = append(r.out, llm.Message{Role: m.Role, Name: m.Name, Blocks: kept, Extra: m.Extra})
}

// kept are the blocks that stay: in itself as long as nothing changes.
func (r *repairer) kept(in []llm.Block, at int) []llm.Block {
	var out []llm.Block
	copied := false
	for i := range in {
		keep, call := r.keep(&in[i], at)
		if !copied && (!keep || call != in[i].Call) {
			out = append(make([]llm.Block, 0, len(in)), in[:i]...)
			copied = true
		}
		if copied && keep {
			out = append(out, in[i])
			out[len(out)-1].Call = call
		}
	}
	if !copied {
		return in
	}
	return out
}

// keep reports whether a block of the assistant's stays, and notes calls. The
// call comes back with a new id if its own was used before.
func (r *repairer) keep(b *llm.Block, at int) (bool, *llm.ToolCall) {
	switch b.Kind {
	case llm.KindThinking:
		return r.options.KeepThinking != nil && r.options.KeepThinking(b), b.Call
	case llm.KindText, llm.KindRefusal:
		return b.Text != "", b.Call
	case llm.KindToolCall:
		return r.call(b.Call, at)
	}
	return b.Kind != llm.KindToolResult, b.Call
}

// call notes a call as waiting. It returns false for one already waiting.
func (r *repairer) call(came *llm.ToolCall, at int) (bool, *llm.ToolCall) {
	if slices.ContainsFunc(r.open, func(o openCall) bool { return sameCall(o.call, came) }) {
		return false, came
	}
	now, kept := came.ID, came
	if n := r.asked[came.ID]; n > 0 {
		for now == came.ID || r.calls.known(now) {
			n++
			now = came.ID + "_" + strconv.Itoa(n)
		}
		copied := *came
		copied.ID = now
		kept = &copied
	}
	r.asked[came.ID]++
	r.open = append(r.open, openCall{came, at, now})
	return true, kept
}

func sameCall(a, b *llm.ToolCall) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Text == b.Text && bytes.Equal(a.Input, b.Input)
}

// answerOpen appends one user turn with the results of the waiting calls.
func (r *repairer) answerOpen() {
	if len(r.open) == 0 {
		return
	}
	blocks := make([]llm.Block, 0, len(r.open)+1)
	for _, c := range r.open {
		blocks = append(blocks, r.answer(c))
	}
	r.open = r.open[:0]
	r.out = append(r.out, llm.Message{Role: llm.RoleUser, Blocks: blocks})
}

func (r *repairer) answer(c openCall) llm.Block {
	found := r.calls.take(c.call.ID, c.at)
	if found == nil {
		return llm.Block{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: c.now, IsError: true,
			Custom: c.call.Custom, Content: []llm.Block{{Kind: llm.KindText, Text: NoResult}}}}
	}
	b := *found
	if t := b.Result; t.CallID == c.now && t.Custom == c.call.Custom && !slices.ContainsFunc(t.Content, isEmpty) {
		return b
	}
	result := *found.Result
	result.CallID, result.Content, result.Custom = c.now, withoutEmpty(result.Content), c.call.Custom
	b.Result = &result
	return b
}

// plainBlocks is a user's or system's turn without its results, which stand
// behind their calls. A result whose call exists nowhere becomes text; a
// second result of one call is left out.
func (r *repairer) plainBlocks(in []llm.Block) []llm.Block {
	out := make([]llm.Block, 0, min(len(in), 4))
	for i := range in {
		b := &in[i]
		switch {
		case b.Kind == llm.KindToolResult && !r.calls.known(b.Result.CallID):
			out = append(out, orphanText(b.Result)...)
		case b.Kind == llm.KindToolResult, b.Kind == llm.KindThinking,
			b.Kind == llm.KindText && b.Text == "":
		default:
			out = append(out, *b)
		}
	}
	return out
}

func orphanText(t *llm.ToolResult) []llm.Block {
	out := []llm.Block{{Kind: llm.KindText, Text: "Result of an earlier tool call:"}}
	return append(out, withoutEmpty(t.Content)...)
}

func withoutEmpty(blocks []llm.Block) []llm.Block {
	if !slices.ContainsFunc(blocks, isEmpty) {
		return blocks
	}
	return slices.DeleteFunc(slices.Clone(blocks), isEmpty)
}

func isEmpty(b llm.Block) bool { return b.Kind == llm.KindText && b.Text == "" }

func onlyThinking(blocks []llm.Block) bool {
	return !slices.ContainsFunc(blocks, func(b llm.Block) bool { return b.Kind != llm.KindThinking })
}

func asReminders(blocks []llm.Block) []llm.Block {
	out := slices.Clone(blocks)
	for i := range out {
		if out[i].Kind == llm.KindText {
			out[i].Text = dialect.Reminder(out[i].Text)
		}
	}
	return out
}

// merge joins neighbouring user turns and neighbouring assistant turns,
// results first. Named participants stay apart. An assistant turn with calls
// always has its results behind it, so no call loses its place.
func merge(in []llm.Message) []llm.Message {
	out := in[:0]
	for _, m := range in {
		if n := len(out); n > 0 && m.Role != llm.RoleSystem && out[n-1].Role == m.Role && out[n-1].Name == m.Name {
			out[n-1].Blocks = slices.Concat(out[n-1].Blocks, m.Blocks)
			continue
		}
		out = append(out, m)
	}
	return out
}

// Package repair makes a conversation valid for every provider.
//
// Clients send histories that no provider wrote: results out of order, split
// over several messages, missing, twice, or without a call; turns of one role
// in a row; empty text; thinking of a provider that is no longer asked. Each
// provider refuses some of it. All encoders of requests pass the messages
// through History first, so the rules stand in one place.
package repair

import (
	"slices"
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
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
	r := repairer{options: o, out: make([]llm.Message, 0, len(in)+1), asked: map[string]int{}}
	r.calls.fill(in)
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
	// asked is, by call id, the last number an id used again was told apart by:
	// 1 if it was used once.
	asked map[string]int
	// open are the calls of the last assistant turn that wait for results, and
	// waiting is what they say.
	open    []openCall
	waiting map[said]bool
	// wasAssistant says that the message before was the assistant's, and grown
	// that the blocks of the last of out are no client's but its own.
	wasAssistant, grown bool
}

// said is what a call says; two that say the same are one.
type said struct{ id, name, text, input string }

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
		r.out[n-1].Blocks = joined(r.out[n-1].Blocks, kept, r.grown)
		r.grown = true
		return
	}
	r.out = append(r.out, llm.Message{Role: m.Role, Name: m.Name, Blocks: kept, Extra: m.Extra})
	r.grown = false
}

// joined is a and b in one: in a's own memory if a was joined before, else in
// new memory, since a is the client's.
func joined(a, b []llm.Block, grown bool) []llm.Block {
	if grown {
		return append(a, b...)
	}
	return slices.Concat(a, b)
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
	id := dialect.WireID(came.ID)
	says := said{id, came.Name, came.Text, wire.View(came.Input)}
	if r.waiting[says] {
		return false, came
	}
	if r.waiting == nil {
		r.waiting = map[said]bool{}
	}
	r.waiting[says] = true
	kept := came
	if r.asked[id] > 0 {
		copied := *came
		copied.ID = r.another(id)
		kept = &copied
	} else {
		r.asked[id] = 1
	}
	r.open = append(r.open, openCall{came, at, kept.ID})
	return true, kept
}

// another returns an id like id that no call has. It is made of the provider's
// own id: more letters behind a packed one would be unpacked with it.
func (r *repairer) another(id string) string {
	own, n := dialect.ProviderID(id), r.asked[id]
	for {
		n++
		now := own + "_" + strconv.Itoa(n)
		if key := dialect.WireID(now); r.asked[key] == 0 && !r.calls.known(key) {
			r.asked[id], r.asked[key] = n, 1
			return now
		}
	}
}

// maxReused is the number of calls up to which their map is emptied for the
// next turn. To empty a large one for each of many small turns takes long.
const maxReused = 64

// answerOpen appends one user turn with the results of the waiting calls.
func (r *repairer) answerOpen() {
	if len(r.open) == 0 {
		return
	}
	blocks := make([]llm.Block, 0, len(r.open)+1)
	for _, c := range r.open {
		blocks = append(blocks, r.answer(c))
	}
	if len(r.open) <= maxReused {
		clear(r.waiting)
	} else {
		r.waiting = nil
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
	out, grown := in[:0], false
	for _, m := range in {
		if n := len(out); n > 0 && m.Role != llm.RoleSystem && out[n-1].Role == m.Role && out[n-1].Name == m.Name {
			out[n-1].Blocks = joined(out[n-1].Blocks, m.Blocks, grown)
			grown = true
			continue
		}
		out, grown = append(out, m), false
	}
	return out
}

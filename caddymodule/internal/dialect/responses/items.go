package responses

import (
	"encoding/json"
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// States of an output item.
const (
	inProgress = "in_progress"
	completed  = "completed"
	incomplete = "incomplete"
)

// outItem is one item of an answer on its way to the client, made from one block.
type outItem struct {
	kind   llm.BlockKind
	id     string
	text   string // of text, refusal, thinking; a call's arguments or raw input
	call   llm.ToolCall
	secret string // encrypted_content
	cites  json.RawMessage
	raw    json.RawMessage // a whole item of this dialect
}

// itemMaker makes the items of one answer.
type itemMaker struct {
	names   dialect.Names
	answer  string // the answer's id, from which the items get theirs
	secrets bool   // the client wants encrypted reasoning
	index   int    // of the next item
}

// newItemMaker returns the maker for the answer to r, which may be nil.
func newItemMaker(r *llm.Request, answer string) itemMaker {
	m := itemMaker{names: dialect.NamesOf(r), answer: answer}
	if r != nil {
		m.secrets = wantsSecrets(field(&r.Extra, "include"))
	}
	return m
}

// begin starts an item from the head of a block: all of it that is known
// before its content is.
func (m *itemMaker) begin(b *llm.Block) outItem {
	it := outItem{kind: b.Kind}
	switch b.Kind {
	case llm.KindToolCall:
		it.call = *b.Call
		m.names.Restore(&it.call)
		prefix := "fc_"
		if it.call.Custom {
			prefix = "ctc_"
		}
		it.id = itemID(prefix, firstOf(it.call.ItemID, it.call.ID, m.place()))
	case llm.KindThinking:
		it.id = itemID("rs_", m.place())
	default:
		it.id = itemID("msg_", m.place())
	}
	return it
}

// place is unique to the next item of the answer.
func (m *itemMaker) place() string { return m.answer + "_" + strconv.Itoa(m.index) }

// end completes an item from its whole block. It returns false if the item
// says nothing and is to be left out.
func (m *itemMaker) end(it *outItem, b *llm.Block) bool {
	switch b.Kind {
	case llm.KindText, llm.KindRefusal:
		annotations, suffix := cite(b, b.Text)
		it.text, it.cites = b.Text+suffix, annotations
		return b.Text != ""
	case llm.KindThinking:
		it.text = b.Text
		it.secret = m.secretOf(b)
		return it.text != "" || it.secret != ""
	case llm.KindToolCall:
		it.text = callText(b.Call, it.call.Custom)
		return true
	case llm.KindOther:
		return it.other(b)
	}
	return false
}

// secretOf is the encrypted content that stands for what b proves.
func (m *itemMaker) secretOf(b *llm.Block) string {
	if !m.secrets {
		return ""
	}
	if _, secret, ok := openItem(b.Signature); ok {
		return secret
	}
	return sealThinking(b)
}

// other takes an item of this dialect whole; another dialect's becomes the
// text it says, if any.
func (it *outItem) other(b *llm.Block) bool {
	if b.Extra.From == llm.Responses {
		it.raw = wire.Compact(b.Raw)
		return true
	}
	it.kind, it.text = llm.KindText, dialect.OtherText(b)
	return it.text != ""
}

// callText is a call's arguments or, if the client declared a tool that takes
// raw text, that text.
func callText(c *llm.ToolCall, custom bool) string {
	switch {
	case custom && c.Custom:
		return c.Text
	case custom:
		return dialect.CustomInput(string(c.Input))
	case c.Custom:
		return string(dialect.WrapInput(c.Text))
	case len(c.Input) == 0:
		return "{}"
	}
	return string(c.Input)
}

// append appends the item in the given state.
func (it *outItem) append(dst []byte, status string) []byte {
	switch it.kind {
	case llm.KindOther:
		return append(dst, it.raw...)
	case llm.KindThinking:
		return it.appendReasoning(dst)
	case llm.KindToolCall:
		return it.appendCall(dst, status)
	}
	dst = append(dst, `{"type":"message"`...)
	dst = wire.Str(dst, "id", it.id)
	dst = wire.Str(dst, "status", status)
	dst = append(dst, `,"role":"assistant","content":[`...)
	if status != inProgress {
		dst = it.appendPart(dst)
	}
	return append(dst, ']', '}')
}

// appendPart appends the one part a message has.
func (it *outItem) appendPart(dst []byte) []byte {
	if it.kind == llm.KindRefusal {
		return append(wire.Str(append(dst, `{"type":"refusal"`...), "refusal", it.text), '}')
	}
	dst = wire.Str(append(dst, `{"type":"output_text"`...), "text", it.text)
	if it.cites != nil {
		dst = wire.RawMember(dst, "annotations", it.cites)
	} else {
		dst = append(dst, `,"annotations":[]`...)
	}
	return append(dst, `,"logprobs":[]}`...)
}

func (it *outItem) appendReasoning(dst []byte) []byte {
	dst = wire.Str(append(dst, `{"type":"reasoning"`...), "id", it.id)
	dst = append(wire.Key(dst, "summary"), '[')
	if it.text != "" {
		dst = appendSummary(dst, it.text)
	}
	dst = append(dst, ']')
	dst = wire.StrIf(dst, "encrypted_content", it.secret)
	return append(dst, '}')
}

func (it *outItem) appendCall(dst []byte, status string) []byte {
	kind, key := `{"type":"function_call"`, "arguments"
	if it.call.Custom {
		kind, key = `{"type":"custom_tool_call"`, "input"
	}
	dst = wire.Str(append(dst, kind...), "id", it.id)
	dst = wire.Str(dst, "status", status)
	dst = wire.Str(dst, key, it.text)
	dst = wire.Str(dst, "call_id", it.call.ID)
	dst = wire.Str(dst, "name", it.call.Name)
	dst = wire.StrIf(dst, "namespace", it.call.Namespace)
	return append(dst, '}')
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

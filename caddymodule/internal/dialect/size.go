package dialect

import "github.com/aimux/aimux/caddymodule/internal/llm"

// ModelFor is the model id to ask for: the target's, else the client's.
func (t *Target) ModelFor(r *llm.Request) string {
	if t.Model != "" {
		return t.Model
	}
	return r.Model
}

// SizeHint is about how many bytes r takes once encoded, for sizing a buffer.
func SizeHint(r *llm.Request) int {
	n := 4096
	for i := range r.Messages {
		n += blocksSize(r.Messages[i].Blocks)
	}
	n += blocksSize(r.System)
	for i := range r.Tools {
		n += len(r.Tools[i].Schema) + len(r.Tools[i].Description) + 128
	}
	return n + n/8
}

func blocksSize(blocks []llm.Block) int {
	n := 0
	for i := range blocks {
		b := &blocks[i]
		n += 96 + len(b.Text) + len(b.Signature) + len(b.Raw)
		if b.Source != nil {
			n += len(b.Source.Data)
		}
		if b.Call != nil {
			n += len(b.Call.Input) + len(b.Call.Text)
		}
		if b.Result != nil {
			n += blocksSize(b.Result.Content)
		}
	}
	return n
}

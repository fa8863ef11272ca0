package dialect

import "github.com/aimux/aimux/caddymodule/internal/llm"

// Bytes of text a token stands for, times two, and the tokens of a picture
// whose size is not known: the rule of thumb for providers that state no usage.
const (
	halfTokenBytes = 7
	pictureTokens  = 1600
)

// EstimateInput is about how many tokens r takes. Clients steer by the input
// count (Claude Code compacts its history by it), so a guess is better than 0.
func EstimateInput(r *llm.Request) int {
	if r == nil {
		return 0
	}
	bytes, pictures := 0, 0
	count := func(blocks []llm.Block) {
		for i := range blocks {
			b, p := blockText(&blocks[i])
			bytes, pictures = bytes+b, pictures+p
		}
	}
	count(r.System)
	for i := range r.Messages {
		count(r.Messages[i].Blocks)
	}
	for i := range r.Tools {
		t := &r.Tools[i]
		bytes += len(t.Name) + len(t.Description) + len(t.Schema) + len(t.Raw)
	}
	return bytes*2/halfTokenBytes + pictures*pictureTokens
}

// blockText counts a block's bytes of text, and its pictures and documents.
func blockText(b *llm.Block) (bytes, pictures int) {
	bytes = len(b.Text) + len(b.Raw)
	if b.Source != nil {
		if IsText(b.Source) {
			return bytes + len(b.Source.Data), 0
		}
		return bytes, 1
	}
	if b.Call != nil {
		bytes += len(b.Call.Name) + len(b.Call.Input) + len(b.Call.Text)
	}
	if b.Result != nil {
		for i := range b.Result.Content {
			n, p := blockText(&b.Result.Content[i])
			bytes, pictures = bytes+n, pictures+p
		}
	}
	return bytes, pictures
}

// UsageAtEnd is the usage to tell a client: what the provider stated, else an
// estimate from the request and the bytes of content sent. It is never nil.
func UsageAtEnd(stated *llm.Usage, r *llm.Request, sent int) *llm.Usage {
	if stated != nil && stated.Known {
		return stated
	}
	return &llm.Usage{Input: EstimateInput(r), Output: sent * 2 / halfTokenBytes}
}

// UsageOf is UsageAtEnd of a whole answer.
func UsageOf(a *llm.Response, r *llm.Request) *llm.Usage {
	if a.Usage.Known {
		return &a.Usage
	}
	sent := 0
	for i := range a.Blocks {
		n, _ := blockText(&a.Blocks[i])
		sent += n
	}
	return UsageAtEnd(nil, r, sent)
}

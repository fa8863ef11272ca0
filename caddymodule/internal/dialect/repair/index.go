package repair

import (
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// A callIndex finds the result of a call wherever it stands.
type callIndex struct {
	// uses are, by call id, the messages that hold a call with it, in order.
	uses map[string][]int
	// results are, by call id, the results not yet taken, in order.
	results map[string][]placedResult
}

type placedResult struct {
	at    int
	block *llm.Block
}

func (x *callIndex) fill(in []llm.Message) {
	x.uses, x.results = map[string][]int{}, map[string][]placedResult{}
	for i := range in {
		for j := range in[i].Blocks {
			switch b := &in[i].Blocks[j]; b.Kind {
			case llm.KindToolCall:
				x.uses[b.Call.ID] = append(x.uses[b.Call.ID], i)
			case llm.KindToolResult:
				x.results[b.Result.CallID] = append(x.results[b.Result.CallID], placedResult{i, b})
			}
		}
	}
}

// known reports whether any message calls with id.
func (x *callIndex) known(id string) bool { return len(x.uses[id]) > 0 }

// take returns the result of the call with id in message at: the first one
// before the id is used again. Where an id is used once its result may stand
// anywhere. Nil if there is none; a result is taken only once.
func (x *callIndex) take(id string, at int) *llm.Block {
	uses, waiting := x.uses[id], x.results[id]
	next := slices.IndexFunc(uses, func(use int) bool { return use > at })
	i := slices.IndexFunc(waiting, func(p placedResult) bool {
		return p.at > at && (next < 0 || p.at <= uses[next])
	})
	if i < 0 && len(uses) == 1 && len(waiting) > 0 {
		i = 0
	}
	if i < 0 {
		return nil
	}
	b := waiting[i].block
	x.results[id] = slices.Delete(waiting, i, i+1)
	return b
}

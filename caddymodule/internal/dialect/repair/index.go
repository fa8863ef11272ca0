package repair

import (
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// A callIndex finds the result of a call wherever it stands. Ids are compared
// as providers see them: packed or not, an id is the same (dialect.WireID).
type callIndex struct {
	// uses are, by call id, the messages that hold a call with it, in order.
	uses map[string][]int
	// results are, by call id, the results in order.
	results map[string]placedResults
}

// placedResults are the results of one id. Calls are asked for in the order of
// their messages, so that what was passed over once is never wanted again.
type placedResults struct {
	list []placedResult
	next int
}

type placedResult struct {
	at    int
	block *llm.Block
}

func (x *callIndex) fill(in []llm.Message) {
	x.uses, x.results = map[string][]int{}, map[string]placedResults{}
	for i := range in {
		for j := range in[i].Blocks {
			switch b := &in[i].Blocks[j]; b.Kind {
			case llm.KindToolCall:
				id := dialect.WireID(b.Call.ID)
				x.uses[id] = append(x.uses[id], i)
			case llm.KindToolResult:
				id := dialect.WireID(b.Result.CallID)
				r := x.results[id]
				r.list = append(r.list, placedResult{i, b})
				x.results[id] = r
			}
		}
	}
}

// known reports whether any message calls with id.
func (x *callIndex) known(id string) bool { return len(x.uses[dialect.WireID(id)]) > 0 }

// take returns the result of the call with id in message at: the first one
// before the id is used again. Where an id is used once its result may stand
// anywhere. Nil if there is none; a result is taken only once.
func (x *callIndex) take(id string, at int) *llm.Block {
	id = dialect.WireID(id)
	uses, r := x.uses[id], x.results[id]
	for r.next < len(r.list) && r.list[r.next].at <= at {
		r.next++
	}
	var taken *llm.Block
	again, _ := slices.BinarySearch(uses, at+1) // the next message that calls with id
	switch {
	case r.next < len(r.list) && (again == len(uses) || r.list[r.next].at <= uses[again]):
		taken = r.list[r.next].block
		r.next++
	case len(uses) == 1 && len(r.list) > 0:
		taken = r.list[0].block
	}
	x.results[id] = r
	return taken
}

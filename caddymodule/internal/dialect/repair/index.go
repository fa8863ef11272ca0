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
	results map[string]*placedResults
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
	x.uses, x.results = map[string][]int{}, map[string]*placedResults{}
	for i := range in {
		for j := range in[i].Blocks {
			switch b := &in[i].Blocks[j]; b.Kind {
			case llm.KindToolCall:
				id := dialect.WireID(b.Call.ID)
				x.uses[id] = append(x.uses[id], i)
			case llm.KindToolResult:
				x.place(dialect.WireID(b.Result.CallID), placedResult{i, b})
			}
		}
	}
}

func (x *callIndex) place(id string, p placedResult) {
	r := x.results[id]
	if r == nil {
		r = &placedResults{}
		x.results[id] = r
	}
	r.list = append(r.list, p)
}

// known reports whether any message calls with id.
func (x *callIndex) known(id string) bool { return len(x.uses[dialect.WireID(id)]) > 0 }

// take returns the result of the call with id in message at: the first one
// before the id is used again. Where an id is used once its result may stand
// anywhere. Nil if there is none; a result is taken only once.
func (x *callIndex) take(id string, at int) *llm.Block {
	id = dialect.WireID(id)
	uses, r := x.uses[id], x.results[id]
	if r == nil {
		return nil
	}
	for r.next < len(r.list) && r.list[r.next].at <= at {
		r.next++
	}
	again, _ := slices.BinarySearch(uses, at+1) // the next message that calls with id
	switch {
	case r.next < len(r.list) && (again == len(uses) || r.list[r.next].at <= uses[again]):
		r.next++
		return r.list[r.next-1].block
	case len(uses) == 1:
		return r.list[0].block
	}
	return nil
}

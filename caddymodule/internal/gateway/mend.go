package gateway

import (
	"bytes"
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Stripper takes thinking out of a conversation for a dialect in which it is
// sealed by whoever made it: after a change of provider, or of key, the next
// one refuses what it cannot open.
type Stripper struct {
	// Refused reports whether a failure is such a refusal.
	Refused func(*llm.Error) bool
	// Strip returns the request body without thinking, and whether there was
	// any.
	Strip func(body []byte) ([]byte, bool)
}

// mend takes the thinking out of the request if a provider refused it for that,
// and reports whether trying again makes sense. It does so once a request.
func (x *Exchange) mend(a *try, v *failover.Verdict) bool {
	s, ok := x.gateway.Strippers[a.upstream.Name()]
	if !ok || x.stripped || v.Err == nil || v.Class != llm.ClassBadRequest || !s.Refused(v.Err) {
		return false
	}
	x.stripped = true
	if a.translates() {
		return x.dropThinking()
	}
	data, ok := s.Strip(x.body.bytes())
	if !ok {
		return false
	}
	x.body.release()
	x.body = holding(bytes.NewBuffer(data))
	x.outline = outline{}
	x.decoded = nil
	return x.outline.read(data, x.gateway.Limits.Depth) == nil
}

// dropThinking takes the thinking blocks out of the common form.
func (x *Exchange) dropThinking() bool {
	r, err := x.common()
	if err != nil {
		return false
	}
	dropped := false
	for i := range r.Messages {
		m := &r.Messages[i]
		n := len(m.Blocks)
		m.Blocks = slices.DeleteFunc(slices.Clone(m.Blocks), func(b llm.Block) bool { return b.Kind == llm.KindThinking })
		dropped = dropped || len(m.Blocks) < n
	}
	return dropped
}

package gateway

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/egress"
	"github.com/aimux/aimux/caddymodule/internal/failover"
)

// commit begins the answer to the client: from here on there is no failover.
func (a *try) commit() {
	a.serves()
	a.send.commit(a.announce)
}

// commitWhole is commit for an answer that is one document.
func (a *try) commitWhole(data []byte) *failover.Verdict {
	a.serves()
	if err := a.send.whole(data, a.announce); err != nil {
		return a.gone()
	}
	return nil
}

// serves notes who answers.
func (a *try) serves() {
	a.Provider, a.Target, a.price = a.provider.Name, a.target.Model, a.target.Caps.Price
	a.TTFT, a.Status = a.since(), http.StatusOK
}

// announce puts into the header who answers. The sender calls it when no ping can
// begin the answer meanwhile.
func (a *try) announce() {
	a.send.set("X-Aimux-Provider", a.provider.Name)
	a.send.set("X-Aimux-Model", a.target.Model)
	a.send.set("X-Aimux-Attempts", strconv.Itoa(len(a.Attempts)+1))
	a.send.set("X-Aimux-Response-Time", strconv.FormatFloat(float64(a.TTFT.Microseconds())/1000, 'f', 1, 64)+"ms")
	if len(a.dropped) > 0 {
		a.send.set("X-Aimux-Dropped", strings.Join(a.dropped, ", "))
	}
	if !a.translates() {
		egress.ResponseHeaders(a.send.header, a.answer.Header)
	}
}

package gateway

import (
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// tally brings the exchange's tokens and cost to their final figures, and
// settles with the client. What no provider stated is estimated and marked so:
// four bytes of a request a token, and of an answer one token an event, or four
// bytes.
func (x *Exchange) tally() {
	x.BytesIn = int64(len(x.outline.data))
	if x.endpoint.counts() {
		x.Usage = llm.Usage{} // to count tokens uses none
	} else if x.Provider != "" && !x.Usage.Known {
		x.Estimated = true
		x.Usage = llm.Usage{Input: int(x.BytesIn / 4), Output: int(x.Bytes / 4)}
		switch {
		case x.endpoint.call == provider.CallEmbeddings:
			x.Usage.Output = 0 // vectors are not tokens
		case x.Stream:
			x.Usage.Output = x.events
		}
	}
	if x.partial && x.Usage.Output < x.events { // a stream of Messages begins with a count of its own
		x.Estimated, x.Usage.Output = true, x.events
	}
	x.Cost = x.price.Cost(x.Usage)
	if x.grant != nil {
		x.grant.Settle(int64(x.Usage.Input)+int64(x.Usage.Output), x.Cost, x.gateway.Now())
	}
}

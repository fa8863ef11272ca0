package telemetry

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// classes is how many classes of failure there are, none among them.
const classes = int(llm.ClassCanceled) + 1

// Counts are what happened over a stretch of time. For all of aimux they count
// exchanges, for a provider or a target attempts; tokens, money and bytes count
// where the answer came from.
type Counts struct {
	// Requests ended; Failed of them failed for a reason that is not the
	// client's, Rejected for one that is, and Canceled were called off by it.
	Requests, Failed, Rejected, Canceled uint64
	// ByClass counts the ends by class; [llm.ClassNone] are those that went well.
	ByClass [classes]uint32
	// TokensIn and TokensOut are as stated by the provider, or estimated where
	// the exchange says so.
	TokensIn, TokensOut uint64
	// BytesIn are of requests, BytesOut of answers.
	BytesIn, BytesOut uint64
	// Cost is in micro-dollars.
	Cost int64
}

// SuccessRate is the share of requests that went well, of those that did not
// end by the client's doing. known is false if there were none.
func (c *Counts) SuccessRate() (rate float64, known bool) {
	judged := c.Requests - c.Rejected - c.Canceled
	if judged == 0 {
		return 1, false
	}
	return 1 - float64(c.Failed)/float64(judged), true
}

// Classes returns how many requests ended in each class of failure that
// occurred, by the class's name.
func (c *Counts) Classes() map[string]uint32 {
	out := map[string]uint32{}
	for class, n := range c.ByClass {
		if n > 0 && llm.Class(class) != llm.ClassNone {
			out[llm.Class(class).String()] = n
		}
	}
	return out
}

// ended counts one end.
func (c *Counts) ended(class llm.Class) {
	c.Requests++
	c.ByClass[min(int(class), classes-1)]++
	switch {
	case class == llm.ClassNone:
	case class == llm.ClassCanceled:
		c.Canceled++
	case class.ClientFault():
		c.Rejected++
	default:
		c.Failed++
	}
}

// spent adds what an exchange took.
func (c *Counts) spent(r *gateway.Record) {
	c.TokensIn += uint64(max(r.Usage.Input, 0))
	c.TokensOut += uint64(max(r.Usage.Output, 0))
	c.BytesIn += uint64(max(r.BytesIn, 0))
	c.BytesOut += uint64(max(r.Bytes, 0))
	c.Cost += r.Cost
}

func (c *Counts) merge(other *Counts) {
	c.Requests += other.Requests
	c.Failed += other.Failed
	c.Rejected += other.Rejected
	c.Canceled += other.Canceled
	for i, n := range other.ByClass {
		c.ByClass[i] += n
	}
	c.TokensIn += other.TokensIn
	c.TokensOut += other.TokensOut
	c.BytesIn += other.BytesIn
	c.BytesOut += other.BytesOut
	c.Cost += other.Cost
}

// since returns what came on top of before.
func (c Counts) since(before *Counts) Counts {
	c.Requests -= before.Requests
	c.Failed -= before.Failed
	c.Rejected -= before.Rejected
	c.Canceled -= before.Canceled
	for i, n := range before.ByClass {
		c.ByClass[i] -= n
	}
	c.TokensIn -= before.TokensIn
	c.TokensOut -= before.TokensOut
	c.BytesIn -= before.BytesIn
	c.BytesOut -= before.BytesOut
	c.Cost -= before.Cost
	return c
}

// exchangeClass is the class an exchange counts under for all of aimux. One that
// ended before any attempt because of the client's credential or one of the
// client's limits is the client's doing, although a provider's refusal bears the
// same class.
func exchangeClass(r *gateway.Record) llm.Class {
	if len(r.Attempts) == 0 && (r.Class == llm.ClassAuth || r.Class == llm.ClassRate && strings.HasPrefix(r.Reason, clientLimit)) {
		return llm.ClassBadRequest
	}
	return r.Class
}

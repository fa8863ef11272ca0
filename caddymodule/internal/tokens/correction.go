package tokens

import (
	"math"
	"sync"
)

// Bounds of a Correction.
const (
	maxModels   = 256
	leastTokens = 200 // shorter prompts say more about overhead than about text
	maxRatio    = 4.0
	minRatio    = 1 / maxRatio
	memory      = 16 // answers after which an older one counts little
)

// Correction learns for each model by which ratio estimates miss what the
// provider counts. The zero value is ready for use and corrects nothing. It is
// safe for concurrent use and remembers at most 256 models: a new one replaces
// the one that was heard of longest ago.
type Correction struct {
	mu     sync.Mutex
	models map[string]*learned
	clock  uint64 // counts observations
}

// learned is what is known of one model.
type learned struct {
	log  float64 // mean logarithm of counted/estimated
	n    int     // observations, up to memory
	seen uint64
}

// Observe takes in that a provider counted a prompt for model as counted input
// tokens, cached ones included, which Estimate put at estimated. Prompts under
// 200 tokens and figures that are off by more than a factor of 4 are ignored:
// those are other causes than the text.
func (c *Correction) Observe(model string, estimated, counted int) {
	if estimated < leastTokens || counted <= 0 {
		return
	}
	ratio := float64(counted) / float64(estimated)
	if ratio < minRatio || ratio > maxRatio {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	l := c.model(model)
	l.seen = c.clock
	l.n = min(l.n+1, memory)
	l.log += (math.Log(ratio) - l.log) / float64(l.n)
}

// model returns what is known of a model, making room for it.
func (c *Correction) model(model string) *learned {
	if l := c.models[model]; l != nil {
		return l
	}
	if c.models == nil {
		c.models = map[string]*learned{}
	}
	if len(c.models) >= maxModels {
		oldest, at := "", uint64(math.MaxUint64)
		for name, l := range c.models {
			if l.seen < at {
				oldest, at = name, l.seen
			}
		}
		delete(c.models, oldest)
	}
	l := &learned{}
	c.models[model] = l
	return l
}

// Ratio is what estimates for model are to be multiplied by, between 1/4 and
// 4; 1 for a model nothing is known of.
func (c *Correction) Ratio(model string) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.models[model]
	if l == nil {
		return 1
	}
	return math.Exp(l.log)
}

// Apply corrects an estimate for model. The result is rounded up, and at least
// 1, since a client that compacts a little early loses less than one that is
// refused.
func (c *Correction) Apply(model string, estimated int) int {
	return max(1, int(math.Ceil(float64(estimated)*c.Ratio(model)-1e-9)))
}

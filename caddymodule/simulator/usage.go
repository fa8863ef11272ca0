package simulator

import "sync"

// Usage is what an answer says it took, in tokens: Input includes Cached, Output includes Reasoning.
type Usage struct {
	Input, Cached, Output, Reasoning int
}

// used is what a whole answer says it took.
func (x *exchange) used() Usage {
	if !x.complete || x.fault.Kind == NoUsage {
		return Usage{}
	}
	u := &x.plan.usage
	return Usage{Input: u.prompt, Cached: u.cached, Output: u.output, Reasoning: u.thought}
}

// usage is the token count of one exchange, in the way Chat counts: prompt includes cached, output includes thought.
type usage struct {
	prompt, cached, output, thought int
}

// tokensIn is the simulator's tokenizer: four bytes are a token.
func tokensIn(bytes int) int { return (bytes + 3) / 4 }

// cacheable is the smallest prefix, in tokens, that the prompt cache keeps.
const cacheable = 256

// promptCache remembers the prefixes of prompts, as providers do: a later prompt that begins with one has that many
// tokens cached. Prefixes end with a message and have 256 tokens or more. The zero value is ready for use.
type promptCache struct {
	mu   sync.Mutex
	seen map[uint64]struct{}
}

// use returns how many tokens of the prompt were seen before, and remembers its prefixes.
func (c *promptCache) use(prefixes []prefix) (cached int) {
	if n := len(prefixes); n == 0 || tokensIn(prefixes[n-1].bytes) < cacheable {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil || len(c.seen) > 1<<16 {
		c.seen = make(map[uint64]struct{})
	}
	for _, p := range prefixes {
		tokens := tokensIn(p.bytes)
		if tokens < cacheable {
			continue
		}
		if _, ok := c.seen[p.hash]; ok {
			cached = tokens
		} else {
			c.seen[p.hash] = struct{}{}
		}
	}
	return cached
}

func (c *promptCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = nil
}

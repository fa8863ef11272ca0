package llm

// Response is a whole answer.
type Response struct {
	ID      string
	Model   string
	Created int64 // Unix seconds; 0: the dialect has none
	Blocks  []Block
	Stop    StopReason
	// StopText is the stop sequence that matched, if the provider said which.
	StopText string
	Usage    Usage
	Extra    Extra
}

// StopReason is why the model stopped.
type StopReason string

// The reasons a model stops.
const (
	StopEnd       StopReason = "end"      // it was done
	StopMax       StopReason = "max"      // the token limit, or the context window
	StopSequence  StopReason = "sequence" // a stop sequence
	StopTool      StopReason = "tool"     // it wants tool results
	StopRefusal   StopReason = "refusal"  // it or a filter refused
	StopPause     StopReason = "pause"    // Anthropic's pause_turn
	StopContext   StopReason = "context"  // model_context_window_exceeded
	StopCancelled StopReason = "cancelled"
)

// Usage is what an answer cost, in tokens. Input counts every input token,
// cached ones included (as OpenAI does; Anthropic's wire form leaves cached
// tokens out of input_tokens).
type Usage struct {
	Input, Output         int
	CacheRead, CacheWrite int // parts of Input
	Reasoning             int // part of Output
	// Known says the provider stated these figures; otherwise they are an
	// estimate or zero.
	Known bool
}

// Update takes over the figures v states. A stream states usage more than
// once: later figures win, except that an input count without cached parts
// does not replace one that has them.
func (u *Usage) Update(v Usage) {
	if !v.Known {
		return
	}
	u.Known = true
	cached := v.CacheRead+v.CacheWrite > 0
	if v.Input > 0 && (cached || u.CacheRead+u.CacheWrite == 0) {
		u.Input, u.CacheRead, u.CacheWrite = v.Input, v.CacheRead, v.CacheWrite
	}
	if v.Output > 0 {
		u.Output = v.Output
	}
	if v.Reasoning > 0 {
		u.Reasoning = v.Reasoning
	}
}

package route

import "slices"

// Reason is why a target is not asked, or is asked late.
type Reason string

// The reasons that rule a target out.
const (
	NoTools      Reason = "has no tools"
	NoVision     Reason = "takes no images"
	NoPDF        Reason = "takes no documents"
	NoStructured Reason = "has no structured output"
	TooLong      Reason = "has too small a context"
	OtherDialect Reason = "speaks another dialect"
	NotWished    Reason = "is not among those asked for"
)

// The reasons that put a target behind the others.
const (
	NoThinking  Reason = "does not think"
	ShortAnswer Reason = "gives shorter answers"
	TightFit    Reason = "may have too small a context"
	Ramping     Reason = "is coming back"
	KeysRest    Reason = "has no key awake"
	BreakerOpen Reason = "is failing"
)

// A token is rarely longer than longToken bytes and about usualToken long.
const (
	longToken  = 8
	usualToken = 4
)

// misfit returns why t cannot serve q, or "".
func (t *Target) misfit(q *Query) Reason {
	if len(q.Wish.Only) > 0 && !t.named(q.Wish.Only) {
		return NotWished
	}
	if q.NativeOnly && !t.Speaks(q.Dialect) {
		return OtherDialect
	}
	c, n := &t.Caps, &q.Needs
	if c.ID == "" {
		return ""
	}
	switch {
	case n.Tools && !c.Tools:
		return NoTools
	case n.Vision && !c.Vision:
		return NoVision
	case n.PDF && !c.PDF:
		return NoPDF
	case n.Structured && !c.Structured:
		return NoStructured
	case c.Context > 0 && n.PromptBytes/longToken > c.Context && n.text():
		return TooLong
	}
	return ""
}

// shortfall returns in what t serves q worse than asked, or "". Such a target
// is better than none: thinking can be left out, a long answer be cut, and the
// size of a prompt in tokens is a guess.
func (t *Target) shortfall(n *Needs) Reason {
	c := &t.Caps
	switch {
	case c.ID == "":
		return ""
	case n.Thinking && !c.Thinking:
		return NoThinking
	case c.Context > 0 && n.PromptBytes/usualToken+n.MaxTokens > c.Context && n.text():
		return TightFit
	case c.MaxOutput > 0 && n.MaxTokens > c.MaxOutput:
		return ShortAnswer
	}
	return ""
}

// text reports whether the prompt's size says something about its tokens.
func (n *Needs) text() bool { return !n.Vision && !n.PDF }

// A Purpose is a kind of request that may have targets of its own.
type Purpose string

// The purposes, in the order in which they are looked for in a request.
const (
	LongContext Purpose = "long_context"
	Vision      Purpose = "vision"
	Thinking    Purpose = "thinking"
	SmallFast   Purpose = "small_fast"
	Tools       Purpose = "tools"
)

// defaultLongContext is the size of prompt, in tokens, from which on it counts
// as long, as in the older aimux; bytesPerToken is what a token is taken for.
const (
	defaultLongContext = 60_000
	bytesPerToken      = 4
)

// serves reports whether q is of purpose p. longFrom is the Config's
// LongContext.
func (p Purpose) serves(q *Query, longFrom int) bool {
	switch p {
	case LongContext:
		return q.Needs.PromptBytes >= longFrom*bytesPerToken && q.Needs.text()
	case Vision:
		return q.Needs.Vision || q.Needs.PDF
	case Thinking:
		return q.Needs.Thinking
	case SmallFast:
		return slices.ContainsFunc(smallNames(), func(s string) bool { return containsFold(q.Model, s) })
	case Tools:
		return q.Needs.Tools
	}
	return false
}

// smallNames are parts of the names by which clients ask for a small model for
// titles, summaries and the like.
func smallNames() []string { return []string{"haiku", "-mini", "-nano", "-flash", "-small", "-lite"} }

package simulator

import (
	"strconv"
	"strings"
)

// partKind is what one part of an answer is.
type partKind uint8

const (
	thoughtPart partKind = iota
	textPart
	callPart
)

// part is one block of an answer, cut into the pieces a stream sends.
type part struct {
	kind partKind
	body []byte // the whole text, or the call's arguments
	ends []int  // where each piece ends in body
	tool tool
	call int // number of the call among the calls, from 0
}

func (p *part) piece(i int) []byte {
	start := 0
	if i > 0 {
		start = p.ends[i-1]
	}
	return p.body[start:p.ends[i]]
}

// stopReason is why an answer ends.
type stopReason uint8

const (
	stopEnd stopReason = iota
	stopLength
	stopSequence
	stopCalls
	stopRefusal
	stopNetwork
)

// plan is an answer before any dialect: what to say, in which pieces, and how it ends.
type plan struct {
	parts   []part
	stop    stopReason
	matched string // the stop sequence
	usage   usage
	pieces  int // of all parts

	arena            []byte // the bytes of all parts
	ends             []int  // the ends of all their pieces
	from, fromPieces int    // where the part under construction begins
}

// reuse empties p for the next answer, keeping its memory.
func (p *plan) reuse() plan {
	clear(p.parts)
	return plan{parts: p.parts[:0], arena: p.arena[:0], ends: p.ends[:0]}
}

// planAnswer decides what to say to the request.
func (x *exchange) planAnswer() {
	p, a := &x.plan, &x.ask
	said, images := textOf(a.lastUser)
	if len(a.results) > 0 {
		said = "" // it was obeyed before the tools ran
	}
	if x.step.Text != "" {
		said = "say:" + x.step.Text
	}
	if x.thinks() {
		p.begin(thoughtPart)
		p.words("The user wants an answer, and the simulator has one.")
		p.end()
	}
	calls := a.calls(said)
	line, scripted := sayLine(said)
	switch {
	case len(calls) > 0:
		p.calls(line, calls, x.fault.Kind)
	case a.schema != nil || a.jsonObject:
		p.begin(textPart)
		p.arena = fitWish(p.arena, a)
		p.cutEvery(16)
		p.end()
	case scripted:
		p.begin(textPart)
		p.words(line)
		p.end()
	default:
		x.tokens(said, images)
	}
	if x.fault.Kind == Refusal {
		p.stop = stopRefusal
	}
	p.limit(a.stops, a.maxTokens)
	p.count(x)
}

// thinks reports whether the answer has reasoning in it.
func (x *exchange) thinks() bool {
	if x.ask.think == unset {
		return x.vendor.thinks && x.target.dialect == chat
	}
	return x.ask.think == on
}

// tokens says who speaks, repeats a little of what was said, and goes on with marked words.
func (x *exchange) tokens(said string, images int) {
	p := &x.plan
	p.begin(textPart)
	p.words("This is the aimux simulator.")
	if len(x.ask.results) > 0 {
		for _, r := range x.ask.results {
			result, more := textOf(r)
			images += more
			p.words(`The tool says "` + short(result) + `".`)
		}
	} else {
		p.words(`You said "` + short(said) + `".`)
	}
	if images > 0 {
		p.words("Images: " + strconv.Itoa(images) + ".")
	}
	if x.fault.Kind == BadUTF8 {
		p.words("Bad: \xff\xc3(.")
	}
	for i := range or(x.fault.Tokens, x.s.opts.Tokens) {
		p.space()
		p.arena = append(append(p.arena, x.s.opts.Name...), ':')
		p.arena = append(integer(p.arena, x.number), ':')
		p.arena = integer(p.arena, i)
		p.cut()
	}
	p.end()
}

// short is the beginning of s on one line.
func short(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), 400)], "")
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// sayLine finds the word say: with something right behind it in what the user said; the rest of that line is the answer,
// or what comes before the calls.
func sayLine(said string) (line string, ok bool) {
	at := -1
	for i := 0; at < 0; i++ {
		next := strings.Index(said[i:], "say:")
		if next < 0 {
			return "", false
		}
		i += next
		end := i + len("say:")
		if (i == 0 || said[i-1] <= ' ') && end < len(said) && said[end] > ' ' {
			at = end
		}
	}
	line, _, _ = strings.Cut(said[at:], "\n")
	line, _, _ = strings.Cut(line, " call:")
	return strings.TrimSpace(line), true
}

func fitWish(b []byte, a *ask) []byte {
	if a.schema != nil {
		return fit(b, a.schema)
	}
	return append(b, `{"simulator":true}`...)
}

// calls adds the tool calls, with the words before them if there are any.
func (p *plan) calls(line string, calls []toolCall, fault Kind) {
	if line != "" {
		p.begin(textPart)
		p.words(line)
		p.end()
	}
	for i, c := range calls {
		p.begin(callPart)
		part := &p.parts[len(p.parts)-1]
		part.tool, part.call = c.tool, i
		p.args(c.args, fault)
		p.end()
	}
	p.stop = stopCalls
}

// args adds the arguments of a call in pieces, as the fault wants them.
func (p *plan) args(args string, fault Kind) {
	switch fault {
	case EmptyArgs:
		return
	case BadArgs:
		args = strings.TrimRight(args, "}\" ")
	}
	p.arena = append(p.arena, args...)
	switch fault {
	case WholeArgs:
		p.cut()
	case SplitArgs:
		p.cutBytes()
	default:
		p.cutEvery(12)
	}
}

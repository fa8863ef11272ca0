package simulator

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// begin opens a part; everything appended to the arena until end belongs to it.
func (p *plan) begin(kind partKind) {
	p.parts = append(p.parts, part{kind: kind})
	p.from, p.fromPieces = len(p.arena), len(p.ends)
}

// end closes the part and ends its last piece.
func (p *plan) end() {
	p.cut()
	last := &p.parts[len(p.parts)-1]
	last.body = p.arena[p.from:len(p.arena):len(p.arena)]
	last.ends = p.ends[p.fromPieces:len(p.ends):len(p.ends)]
}

// cut ends a piece here, unless it would be empty.
func (p *plan) cut() {
	if at := len(p.arena) - p.from; at > p.cutAt() {
		p.ends = append(p.ends, at)
	}
}

// cutAt is where the piece under construction begins.
func (p *plan) cutAt() int {
	if len(p.ends) == p.fromPieces {
		return 0
	}
	return p.ends[len(p.ends)-1]
}

// space appends a space, except at the beginning of a part.
func (p *plan) space() {
	if len(p.arena) > p.from {
		p.arena = append(p.arena, ' ')
	}
}

// words appends s, each word a piece.
func (p *plan) words(s string) {
	for word := range strings.SplitSeq(s, " ") {
		p.space()
		p.arena = append(p.arena, word...)
		p.cut()
	}
}

// cutEvery cuts what was appended since the last cut into pieces of about n bytes, never inside a character and never
// after a backslash.
func (p *plan) cutEvery(n int) {
	body := p.arena[p.from:]
	for at := p.cutAt() + n; at < len(body); at += n {
		for at < len(body) && (!utf8.RuneStart(body[at]) || body[at-1] == '\\') {
			at++
		}
		p.ends = append(p.ends, min(at, len(body)))
	}
	p.cut()
}

// cutBytes makes every byte a piece.
func (p *plan) cutBytes() {
	for at := p.cutAt() + 1; at <= len(p.arena)-p.from; at++ {
		p.ends = append(p.ends, at)
	}
}

// limit ends the answer at the first stop sequence in its text, and after most pieces unless most is negative.
func (p *plan) limit(stops []string, most int) {
	for i := range p.parts {
		if p.parts[i].kind == textPart && p.stopAt(i, stops) {
			p.parts = p.parts[:i+1]
			p.stop = stopSequence
			break
		}
	}
	if most < 0 {
		return
	}
	for i := range p.parts {
		part := &p.parts[i]
		if len(part.ends) > most {
			part.truncate(most)
			p.stop = stopLength
			p.parts = p.parts[:i+min(most, 1)] // a part without a piece is never begun
			return
		}
		most -= len(part.ends)
	}
}

// stopAt cuts part i before the first stop sequence in it and reports whether there was one.
func (p *plan) stopAt(i int, stops []string) bool {
	part, at := &p.parts[i], -1
	for _, s := range stops {
		if n := bytes.Index(part.body, []byte(s)); n >= 0 && (at < 0 || n < at) {
			at, p.matched = n, s
		}
	}
	if at < 0 {
		return false
	}
	n := 0
	for n < len(part.ends) && part.ends[n] < at {
		n++
	}
	if n < len(part.ends) && at > 0 {
		part.ends[n] = at
		n++
	}
	part.truncate(n)
	return true
}

// truncate keeps the first n pieces.
func (p *part) truncate(n int) {
	p.ends = p.ends[:n]
	end := 0
	if n > 0 {
		end = p.ends[n-1]
	}
	p.body = p.body[:end]
}

// count adds up the pieces and the usage.
func (p *plan) count(x *exchange) {
	p.usage = usage{prompt: max(1, tokensIn(x.ask.bytes)), cached: x.s.cache.use(x.ask.prefixes)}
	for i := range p.parts {
		n := len(p.parts[i].ends)
		p.pieces += n
		if p.parts[i].kind == thoughtPart {
			p.usage.thought += n
		}
	}
	p.usage.output = max(1, p.pieces)
}

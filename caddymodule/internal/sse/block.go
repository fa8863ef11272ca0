package sse

import "bytes"

// span is a piece of an event, as offsets from the event's first byte.
type span struct{ from, to int }

// block gathers the fields of the event being read. Offsets instead of slices,
// because the buffer may move while the event is incomplete.
type block struct {
	typ, data, id        span
	hasID, hasData, many bool // many: more than one data line, joined elsewhere
	lines                int
}

func (b *block) reset() { *b = block{} }

// parse reads lines until a blank one ends the event, and says whether it did.
func (r *Reader) parse() bool {
	if !r.begun && !r.skipMark() {
		return false
	}
	for {
		if r.skipLF && r.pos < r.end {
			r.skipLF = false
			if r.buf[r.pos] == '\n' {
				r.pos++
			}
		}
		i := r.lineEnd()
		if i < 0 {
			return false
		}
		from := r.pos
		r.pos = i + 1
		if r.buf[i] == '\r' {
			r.endCR()
		}
		if i == from {
			return true
		}
		r.line(from, i)
	}
}

// endCR takes the LF that follows a CR into the line end, if it has arrived.
func (r *Reader) endCR() {
	if r.pos == r.end {
		r.skipLF = true
	} else if r.buf[r.pos] == '\n' {
		r.pos++
	}
}

// skipMark passes the byte order mark, and reports false while it cannot tell
// whether there is one.
func (r *Reader) skipMark() bool {
	const mark = "\xef\xbb\xbf"
	head := r.buf[:r.end]
	if len(head) < len(mark) && r.err == nil && bytes.HasPrefix([]byte(mark), head) {
		return false
	}
	r.begun = true
	if bytes.HasPrefix(head, []byte(mark)) {
		r.start, r.pos = len(mark), len(mark)
	}
	return true
}

// lineEnd returns the index of the CR or LF that ends the line at pos, or -1.
// It looks at no byte twice, however small the reads: lf is the next LF if it
// is not before pos, there is none before lfSeen, and no CR before crSeen.
func (r *Reader) lineEnd() int {
	limit := r.end
	if r.lf < r.pos {
		from := max(r.pos, r.lfSeen)
		if i := bytes.IndexByte(r.buf[from:r.end], '\n'); i >= 0 {
			r.lf = from + i
		}
		r.lfSeen = r.end
	}
	if r.lf >= r.pos {
		limit = r.lf
		r.lfSeen = r.lf
	}
	if from := max(r.pos, r.crSeen); from < limit {
		if i := bytes.IndexByte(r.buf[from:limit], '\r'); i >= 0 {
			r.crSeen = from + i
			return from + i
		}
		r.crSeen = limit
	}
	if limit < r.end {
		return limit
	}
	return -1
}

// line notes the field in buf[from:to].
func (r *Reader) line(from, to int) {
	b := &r.block
	b.lines++
	text := r.buf[from:to]
	name, value := text, to
	if i := bytes.IndexByte(text, ':'); i >= 0 {
		name, value = text[:i], from+i+1
		if value < to && r.buf[value] == ' ' {
			value++
		}
	}
	at := span{value - r.start, to - r.start}
	switch string(name) {
	case "data":
		r.dataLine(at)
	case "event":
		b.typ = at
	case "id":
		if bytes.IndexByte(r.buf[value:to], 0) < 0 {
			b.id, b.hasID = at, true
		}
	}
}

// dataLine notes one line of data. The second and later lines are joined with
// the first in a buffer of their own, since Raw keeps them apart.
func (r *Reader) dataLine(at span) {
	b := &r.block
	if !b.hasData {
		b.data, b.hasData = at, true
		return
	}
	if !b.many {
		b.many = true
		r.joined = append(r.joined, r.slice(b.data)...)
	}
	r.joined = append(r.joined, '\n')
	r.joined = append(r.joined, r.slice(at)...)
}

func (r *Reader) slice(s span) []byte {
	return r.buf[r.start+s.from : r.start+s.to : r.start+s.to]
}

// finish returns the event that ends at pos.
func (r *Reader) finish(unterminated bool) (*Event, error) {
	if r.pos-r.start > r.max {
		return nil, r.fail(&TooLargeError{Limit: r.max})
	}
	b := &r.block
	r.event = Event{
		Raw:          r.buf[r.start:r.pos:r.pos],
		Comment:      !b.hasData,
		Unterminated: unterminated,
	}
	if b.typ.to > 0 {
		r.event.Type = r.slice(b.typ)
	}
	if b.hasID {
		r.event.ID = r.slice(b.id)
	}
	if b.many {
		r.event.Data = r.joined
	} else if b.hasData {
		r.event.Data = r.slice(b.data)
	}
	r.start = r.pos
	return &r.event, nil
}

// last returns what stands between the last blank line and the end of the
// stream. A line that was not ended counts as whole.
func (r *Reader) last() (*Event, error) {
	if !r.begun && r.skipMark() && r.start == r.end {
		return nil, r.err
	}
	if r.pos < r.end {
		r.line(r.pos, r.end)
		r.pos = r.end
	}
	return r.finish(r.block.lines > 0)
}

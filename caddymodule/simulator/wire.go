package simulator

import (
	"bytes"
	"net/http"
)

// wire writes an answer's bytes, a flush at a time, with the quirks that a fault gives to lines and events.
type wire struct {
	w      http.ResponseWriter
	status int // 0: header not written
	err    error

	quirk   Kind
	bytes   int // of Split
	scratch []byte
}

func (o *wire) reuse() wire { return wire{scratch: o.scratch[:0]} }

// header writes the status line and the header, once.
func (o *wire) header(status int) {
	if o.status == 0 {
		o.status = status
		o.w.WriteHeader(status)
	}
}

// write sends b without flushing.
func (o *wire) write(b []byte) {
	if o.err == nil && len(b) > 0 {
		_, o.err = o.w.Write(b)
	}
}

// flush makes everything written leave at once.
func (o *wire) flush() {
	switch f, ok := o.w.(http.Flusher); {
	case o.err != nil:
	case ok:
		f.Flush()
	default:
		o.err = http.NewResponseController(o.w).Flush()
	}
}

// events sends whole events, one flush for all of them unless the quirk cuts them finer.
func (o *wire) events(b []byte) {
	switch o.quirk {
	case CRLF:
		b = o.replace(b, "\n", "\r\n")
	case CR:
		b = o.replace(b, "\n", "\r")
	case NoSpace:
		b = o.replace(b, `data: {"`, `data:{"`)
	case MultiLine:
		b = o.replace(b, `data: {"`, "data: {\ndata: \"")
	case Comments:
		b = o.replace(b, "\n\n", "\n\n: keep-alive\n\n")
	case Split:
		o.slices(b)
		return
	}
	o.write(b)
	o.flush()
}

// slices sends b a few bytes at a time.
func (o *wire) slices(b []byte) {
	for n := max(1, o.bytes); len(b) > 0 && o.err == nil; {
		n = min(n, len(b))
		o.write(b[:n])
		o.flush()
		b = b[n:]
	}
}

func (o *wire) replace(b []byte, old, new string) []byte {
	o.scratch = o.scratch[:0]
	for {
		i := bytes.Index(b, []byte(old))
		if i < 0 {
			o.scratch = append(o.scratch, b...)
			return o.scratch
		}
		o.scratch = append(append(o.scratch, b[:i]...), new...)
		b = b[i+len(old):]
	}
}

package sse

import (
	"bytes"
	"io"
	"strings"
)

// Writer writes events to a stream and flushes after each, since a client
// waits for every token. It is for one goroutine and holds no goroutine or
// timer of its own.
type Writer struct {
	w     io.Writer
	flush func() error
	buf   []byte
}

// NewWriter returns a Writer to w. flush is called after each event and may be
// nil; http.ResponseController's Flush fits.
func NewWriter(w io.Writer, flush func() error) *Writer {
	return &Writer{w: w, flush: flush}
}

// WriteRaw writes b, one or more whole events in wire form, as it is.
func (w *Writer) WriteRaw(b []byte) error {
	if _, err := w.w.Write(b); err != nil {
		return err
	}
	if w.flush == nil {
		return nil
	}
	return w.flush()
}

// WriteEvent writes one event. An empty event type leaves the event field out.
func (w *Writer) WriteEvent(event string, data []byte) error {
	w.buf = AppendEvent(w.buf[:0], event, data)
	return w.send()
}

// Comment writes a comment, which clients skip: a sign of life.
func (w *Writer) Comment(text string) error {
	w.buf = AppendComment(w.buf[:0], text)
	return w.send()
}

func (w *Writer) send() error {
	err := w.WriteRaw(w.buf)
	if cap(w.buf) > largeBuffer {
		w.buf = nil
	}
	return err
}

// AppendEvent appends one event in wire form to dst. Data that contains line
// ends becomes several data lines; the event type ends at the first line end,
// so that neither can forge a field.
func AppendEvent(dst []byte, event string, data []byte) []byte {
	if i := strings.IndexAny(event, "\r\n"); i >= 0 {
		event = event[:i]
	}
	if event != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, event...)
		dst = append(dst, '\n')
	}
	dst = appendLines(dst, "data: ", data)
	return append(dst, '\n')
}

// AppendComment appends a block of comment lines to dst, blank line included.
func AppendComment(dst []byte, text string) []byte {
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r", "\n"), "\n") {
		dst = append(dst, ": "...)
		dst = append(dst, line...)
		dst = append(dst, '\n')
	}
	return append(dst, '\n')
}

// appendLines appends each line of data after prefix.
func appendLines(dst []byte, prefix string, data []byte) []byte {
	for {
		dst = append(dst, prefix...)
		i := lineBreak(data)
		if i < 0 {
			dst = append(dst, data...)
			return append(dst, '\n')
		}
		dst = append(dst, data[:i]...)
		dst = append(dst, '\n')
		if data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n' {
			i++
		}
		data = data[i+1:]
	}
}

// lineBreak returns the index of the first CR or LF, or -1.
func lineBreak(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

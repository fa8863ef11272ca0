package sse

import (
	"io"
	"strings"
	"testing"
)

// endless repeats one piece of a stream without end.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func BenchmarkReader(b *testing.B) {
	const chunk = `event: content_block_delta` + "\n" +
		`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" and then some more words of an answer"}}` + "\n\n"
	for name, text := range map[string]string{
		"LF":        chunk,
		"CRLF":      strings.ReplaceAll(chunk, "\n", "\r\n"),
		"two lines": strings.Replace(chunk, `,"delta"`, ",\ndata: \"delta\"", 1),
		"64 KiB":    "data: " + strings.Repeat("x", 64<<10) + "\n\n",
	} {
		b.Run(name, func(b *testing.B) {
			r := NewReader(&endless{text: text}, Options{})
			defer r.Close()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	w := NewWriter(io.Discard, nil)
	data := []byte(strings.Repeat("x", 150))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.WriteEvent("content_block_delta", data); err != nil {
			b.Fatal(err)
		}
	}
}

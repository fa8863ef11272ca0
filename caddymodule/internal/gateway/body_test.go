package gateway

import (
	"io"
	"strings"
	"testing"
)

func TestBody_BufferIsFreeOnlyWhenNobodyReadsItAnyMore(t *testing.T) {
	b := newBody()
	b.buf.WriteString("one client's prompt")
	reader := b.lend(strings.NewReader("x"))
	b.release() // the exchange has ended, the transport still reads
	other := newBody()
	other.buf.WriteString("another client's prompt")
	if string(b.bytes()) != "one client's prompt" {
		t.Errorf("the buffer was given away under its reader: %q", b.bytes())
	}
	if n := b.refs.Load(); n != 1 {
		t.Errorf("%d references, want the reader's", n)
	}
	io.Copy(io.Discard, reader)
	reader.Close()
	reader.Close()
	if n := b.refs.Load(); n != 0 {
		t.Errorf("%d references after the last", n)
	}
	other.release()
}

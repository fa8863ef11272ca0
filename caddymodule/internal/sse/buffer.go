package sse

import "sync"

// Sizes of buffers, in bytes. A thousand idle streams must not hold on to the
// size of their largest event, so a buffer above largeBuffer is given back as
// soon as it is empty; one above maxPooled is left to the collector.
const (
	smallBuffer = 4 << 10
	largeBuffer = 64 << 10
	maxPooled   = 1 << 20
)

var (
	smallPool = sync.Pool{New: func() any { b := make([]byte, smallBuffer); return &b }}
	largePool sync.Pool
)

// buffer is a growing byte buffer borrowed from a pool: buf[:end] holds what
// was read.
type buffer struct {
	box *[]byte // what goes back to the pool
	buf []byte  // *box, all of its length usable
	end int
}

// room makes space behind end and keeps buf[from:end], which is at most limit
// bytes long. It returns by how many bytes the contents moved towards the front.
func (b *buffer) room(from, limit int) (moved int) {
	switch {
	case b.buf == nil:
		b.take(smallPool.Get().(*[]byte))
		return 0
	case b.end < len(b.buf):
		return 0
	case b.end-from <= len(b.buf)/2, len(b.buf) >= limit+smallBuffer:
		b.end = copy(b.buf, b.buf[from:b.end])
		return from
	}
	old, kept := b.box, b.buf[from:b.end]
	b.take(bufferOf(min(2*len(b.buf), limit+smallBuffer)))
	b.end = copy(b.buf, kept)
	putBuffer(old)
	return from
}

// drained exchanges an overgrown buffer for none: the next read takes a small one.
func (b *buffer) drained() {
	b.end = 0
	if len(b.buf) > largeBuffer {
		b.release()
	}
}

// release gives the buffer back.
func (b *buffer) release() {
	if b.box != nil {
		putBuffer(b.box)
	}
	b.box, b.buf, b.end = nil, nil, 0
}

func (b *buffer) take(box *[]byte) {
	b.box, b.buf = box, *box
}

// bufferOf returns a buffer of at least size bytes.
func bufferOf(size int) *[]byte {
	if box, _ := largePool.Get().(*[]byte); box != nil {
		if len(*box) >= size {
			return box
		}
		largePool.Put(box)
	}
	b := make([]byte, size)
	return &b
}

func putBuffer(box *[]byte) {
	switch {
	case len(*box) <= smallBuffer:
		smallPool.Put(box)
	case len(*box) <= maxPooled:
		largePool.Put(box)
	}
}

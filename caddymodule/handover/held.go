package handover

import (
	"net"
	"net/http"
	"sync"
)

// held is what is known of an open connection.
type held struct {
	conn net.Conn
	// inside is what net/http keeps of it for itself; nil until a request of
	// HTTP/1 has come. It belongs to the connection's goroutine.
	inside *inside

	mu    sync.Mutex
	state http.ConnState
	// clean says that, when the connection became idle, nothing had been read
	// beyond the last request; left is how much net/http would still have read
	// then. Both for StateIdle.
	clean bool
	left  int64
	// looked says that somebody has looked whether it may be taken, and read how
	// many bytes had been read from it by then.
	looked bool
	read   uint64
	// taken is not nil once the connection has been taken from its server, and
	// closed when that has given it up. whole says that the server had read
	// nothing more from it.
	taken chan struct{}
	whole bool
}

// note remembers what the connection is at. net/http calls it in the
// connection's own goroutine.
func (h *held) note(state http.ConnState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state, h.looked = state, false
	switch state {
	case http.StateActive:
		h.clean = false
		if h.taken != nil {
			// A request was read while the connection was being taken. Nobody
			// could answer it, so it is not to be served either.
			panic(http.ErrAbortHandler)
		}
	case http.StateIdle:
		h.left, h.clean = h.inside.idle()
	case http.StateClosed, http.StateHijacked:
		if h.taken == nil {
			return
		}
		h.whole = h.clean && h.inside.unread(h.left)
		close(h.taken)
	}
}

// take takes the connection from its server, if nothing has ever been read from
// it, or nothing of a next request: a copy goes on, the server's own is closed,
// which the other side does not notice. Without a copy the connection stays where
// it is; soon says that it is worth another look in a moment: the server may be
// about to read a request, or have read one of which nobody knows yet.
func (h *held) take(tcp *net.TCPConn) (copied *net.TCPConn, soon bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken != nil || !h.waits(tcp) {
		return nil, false
	}
	if !h.still(tcp) {
		return nil, true
	}
	if copied = again(tcp); copied == nil {
		return nil, false
	}
	if !h.still(tcp) {
		copied.Close()
		return nil, true
	}
	tcp.Close()
	h.taken = make(chan struct{})
	return copied, false
}

// waits reports whether the connection waits for a request, as far as its server
// has said.
func (h *held) waits(tcp *net.TCPConn) bool {
	return h.state == http.StateNew && unused(tcp) || h.state == http.StateIdle && h.clean
}

// still reports whether there is nothing to read on the connection, and nothing
// was read since the last look.
func (h *held) still(tcp *net.TCPConn) bool {
	read, _ := taken(tcp)
	since := !h.looked || read != h.read
	h.looked, h.read = true, read
	return !since && !pending(tcp)
}

// untouched reports, once the server has given up the connection, whether it had
// read nothing of it before.
func (h *held) untouched(copied *net.TCPConn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.whole || !h.clean && unused(copied)
}

// unused reports whether nothing has ever been read from tcp.
func unused(tcp *net.TCPConn) bool {
	bytes, known := taken(tcp)
	return known && bytes == 0
}

// again returns the connection anew; nil if that cannot be done. For a moment reads
// of tcp block in the kernel, where nothing but data wakes them (os.File.Fd), so
// that its reader must be waiting already.
func again(tcp *net.TCPConn) *net.TCPConn {
	file, err := tcp.File()
	if err != nil {
		return nil
	}
	defer file.Close()
	copied, err := net.FileConn(file)
	if err != nil {
		return nil
	}
	return copied.(*net.TCPConn)
}

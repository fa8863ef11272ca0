package handover

import (
	"context"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Bequeath keeps the connection of a stream that has outlived its configuration
// for the server of the new one. The old server would close it right after the
// stream's end, and the client, which was told nothing because the header was
// sent before the reload, may have put it back among its idle ones and sent the
// next request on it, which would be lost.
//
// It must be the last thing a handler does. Where anything speaks against it,
// the connection is closed as ever.
func (s *Server) Bequeath(w http.ResponseWriter, r *http.Request) {
	h, _ := r.Context().Value(connKey{}).(*held)
	if h == nil || s == nil || s.heir() == nil || caddy.Exiting() || !streamed(w, r) || !plain(w) || !whole(r) {
		return
	}
	control := http.NewResponseController(w)
	if control.Flush() != nil { // from here on the header is sent, in chunks
		return
	}
	_, buffered, err := control.Hijack()
	if err != nil {
		return
	}
	conn := h.conn
	_, err = io.WriteString(conn, "0\r\n\r\n") // the end of chunks
	if err != nil || buffered.Reader.Buffered() > 0 {
		conn.Close() // the client has gone, or has not waited for the answer's end
		return
	}
	// The old server's handlers set deadlines until they have returned.
	context.AfterFunc(r.Context(), func() { s.bequeath(conn) })
}

// streamed reports whether the answer is a stream of events, sent in chunks, on a
// connection that would be used again.
func streamed(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	return r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.Method != http.MethodHead && !r.Close &&
		strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") &&
		h.Get("Content-Length") == "" && h.Get("Content-Encoding") == "" && h.Get("Trailer") == ""
}

// whole reports whether all of r has been read: what follows on its connection is
// another request.
func whole(r *http.Request) bool {
	if r.Body == nil {
		return true
	}
	n, err := r.Body.Read(make([]byte, 1))
	return n == 0 && err == io.EOF
}

// plain reports whether what is written to w goes to the connection as it is and
// at once: nobody between holds it back or has something to add at the end.
func plain(w http.ResponseWriter) bool {
	for {
		switch reflect.TypeOf(w).String() {
		case "*http.response":
			return true
		case "*caddyhttp.IdleTimeoutWriter", "*caddyhttp.readDeadlineWriter", "*caddyhttp.ResponseWriterWrapper":
		case "*caddyhttp.responseRecorder":
			if w.(caddyhttp.ResponseRecorder).Buffered() {
				return false
			}
		default:
			return false
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = inner.Unwrap()
	}
}

// bequeath waits for the next request on conn and has it served by who stands at
// s by then; there may have been further reloads.
func (s *Server) bequeath(conn net.Conn) {
	heir := s.heir()
	if heir == nil || !s.await(conn, heir.IdleTimeout) {
		conn.Close()
		return
	}
	l := &lone{conn: conn}
	for heir := s.heir(); heir != nil; heir = s.heir() {
		_ = heir.Serve(l) // the connection has a goroutine of its own
		if l.conn == nil {
			return
		}
		time.Sleep(time.Millisecond) // it has just begun to shut down: whose turn is it?
	}
	conn.Close()
}

// await waits until there is something to read on conn, which is not read, and
// reports whether it is worth it. No timeout is a long one.
func (s *Server) await(conn net.Conn, timeout time.Duration) bool {
	deadline := time.Time{}
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	if conn.SetDeadline(deadline) != nil {
		return false
	}
	waiting.Store(conn, s.key)
	defer waiting.Delete(conn)
	// Who comes too late to be dismissed sees it here.
	return s.heir() != nil && readable(conn) && conn.SetDeadline(time.Time{}) == nil
}

// lone is a listener that has one connection, nil when it has been accepted.
type lone struct{ conn net.Conn }

// Accept returns the connection, once.
func (l *lone) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	conn := l.conn
	l.conn = nil
	return conn, nil
}

// Close does nothing: the connection belongs to who accepted it.
func (l *lone) Close() error { return nil }

// Addr returns nothing: nobody asks.
func (l *lone) Addr() net.Addr { return nil }

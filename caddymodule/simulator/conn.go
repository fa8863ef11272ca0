package simulator

import (
	"context"
	"net"
	"net/http"
	"strconv"
)

// breakable is a response writer that can break its own transfer: the in-process one.
type breakable interface{ breakOff(kind Kind) }

// drop closes the connection without ending the answer, by reset or by FIN. HTTP/2 has no connection of its own for a
// request: its stream is reset.
func (x *exchange) drop(reset bool) {
	if w, ok := x.w.(breakable); ok {
		w.breakOff(x.fault.Kind)
		return
	}
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if reset {
		abort(conn)
	}
	conn.Close()
}

// abort resets the TCP connection below conn: TLS must not say goodbye first.
func abort(conn net.Conn) {
	for {
		switch c := conn.(type) {
		case *net.TCPConn:
			c.SetLinger(0)
			c.Close()
			return
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return
		}
	}
}

// raw takes the connection over and returns a function that writes to it; ok is false where that is impossible.
func (x *exchange) raw() (conn net.Conn, ok bool) {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	return conn, err == nil
}

// rawHead spells a response header for HTTP/1.1 with the given length.
func rawHead(length int) []byte {
	b := append([]byte(nil), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(length), 10)
	return append(b, "\r\n\r\n"...)
}

// understate sends more than its Content-Length says.
func (x *exchange) understate(body []byte) {
	conn, ok := x.raw()
	if !ok {
		x.send(http.StatusOK, "application/json", body)
		return
	}
	defer conn.Close()
	x.wire.status = http.StatusOK
	conn.Write(append(rawHead(len(body)/2), body...))
}

// dribble sends a header a byte at a time, then an empty object.
func (x *exchange) dribble() {
	conn, ok := x.raw()
	if !ok {
		x.clock.rest(x.ctx, x.fault.For)
		return
	}
	defer conn.Close()
	gone, cancel := context.WithCancel(x.ctx)
	defer cancel()
	go func() { // a client that leaves is seen by reading; the deferred Close ends this
		defer cancel()
		conn.Read(make([]byte, 1))
	}()
	answer := append(rawHead(2), "{}"...)
	for i := range answer {
		if _, err := conn.Write(answer[i : i+1]); err != nil || !x.clock.sleep(gone, x.fault.every()) {
			return
		}
	}
}

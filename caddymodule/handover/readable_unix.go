//go:build unix

package handover

import (
	"net"
	"reflect"
	"syscall"
)

// readable returns true as soon as there is something to read on conn, and false
// at its end, or if that cannot be known. Nothing is taken from it.
func readable(conn net.Conn) bool {
	raw, err := kernels(conn)
	if err != nil {
		return false
	}
	n := 0
	failed := raw.Read(func(fd uintptr) bool {
		n, err = peek(fd)
		return err != syscall.EAGAIN
	})
	return failed == nil && err == nil && n > 0
}

// pending reports whether something is there to be read on conn, or its end, while
// another may be waiting for it.
func pending(conn net.Conn) bool {
	raw, err := kernels(conn)
	if err != nil {
		return true
	}
	failed := raw.Control(func(fd uintptr) { _, err = peek(fd) })
	return failed != nil || err != syscall.EAGAIN
}

// peek looks at the next byte.
func peek(fd uintptr) (n int, err error) {
	var one [1]byte
	for err = syscall.EINTR; err == syscall.EINTR; {
		n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}
	return n, err
}

// kernels returns the kernel's connection within conn: within TLS, or what Caddy
// has put around one that may speak HTTP/1 only.
func kernels(conn net.Conn) (syscall.RawConn, error) {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	if around := reflect.Indirect(reflect.ValueOf(conn)); around.Type().String() == "caddyhttp.http2Conn" {
		conn, _ = around.FieldByName("Conn").Interface().(net.Conn)
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil, syscall.EINVAL
	}
	return socket.SyscallConn()
}

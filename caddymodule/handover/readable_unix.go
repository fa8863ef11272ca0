//go:build unix

package handover

import (
	"net"
	"syscall"
)

// readable returns true as soon as there is something to read on conn, or at once
// if that cannot be known, and false at its end. Nothing is taken from it.
func readable(conn net.Conn) bool {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	failed := raw.Read(func(fd uintptr) bool {
		var one [1]byte
		n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		return err != syscall.EAGAIN && err != syscall.EINTR
	})
	return failed == nil && err == nil && n > 0
}

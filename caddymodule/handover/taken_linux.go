package handover

import (
	"net"

	"golang.org/x/sys/unix"
)

// taken returns how many bytes have been read from tcp by anybody, as the kernel
// counts them; false if that is not known.
func taken(tcp *net.TCPConn) (bytes uint64, known bool) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, false
	}
	_ = raw.Control(func(fd uintptr) {
		for range 10 { // until nothing arrives between two looks
			before, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err != nil {
				return
			}
			waiting, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ)
			if err != nil {
				return
			}
			after, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil && before.Bytes_received == after.Bytes_received {
				bytes, known = after.Bytes_received-uint64(waiting), true
				return
			}
		}
	})
	return bytes, known
}

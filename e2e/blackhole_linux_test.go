package e2e

import (
	"fmt"
	"net"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// blackHole returns a loopback address at which a connection neither comes
// about nor is refused: its queue of connections to accept is full, so the
// kernel lets further handshakes go unanswered.
func blackHole() string {
	GinkgoHelper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(syscall.Close, fd)
	Expect(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})).To(Succeed())
	Expect(syscall.Listen(fd, 0)).To(Succeed())
	bound, err := syscall.Getsockname(fd)
	Expect(err).NotTo(HaveOccurred())
	addr := fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	for range 8 {
		c, err := net.DialTimeout("tcp", addr, 300*time.Millisecond)
		if err != nil {
			return addr
		}
		DeferCleanup(c.Close)
	}
	Skip("this kernel answers handshakes although the queue is full")
	return ""
}

var _ = Describe("The fault matrix", func() {
	It("4 an address that swallows handshakes moves to another target", func() {
		r := row{number: 4, stream: ok, whole: ok, more: quick, untranslated: true}
		r.verify(r.start("http://" + blackHole()))
	})
})

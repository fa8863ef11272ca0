package e2e

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/e2e/harness"
)

// slowBody begins a request, never sends its body, and returns the first line
// of what comes back.
func slowBody(gw *harness.Gateway) string {
	GinkgoHelper()
	host := strings.TrimPrefix(gw.URL, "http://")
	c, err := net.Dial("tcp", host)
	Expect(err).NotTo(HaveOccurred())
	defer c.Close()
	Expect(c.SetDeadline(time.Now().Add(10 * time.Second))).To(Succeed())
	_, err = fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"model\"", host)
	Expect(err).NotTo(HaveOccurred())
	line, err := bufio.NewReader(c).ReadString('\n')
	Expect(err).NotTo(HaveOccurred())
	return strings.TrimSpace(line)
}

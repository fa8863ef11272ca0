package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// beside is another node with the same data directory and the same vault key.
func (n *node) beside() *node {
	GinkgoHelper()
	b := newNode(simulated)
	b.data = n.data
	b.environment = []string{"XDG_CONFIG_HOME=" + n.dir + "/config"}
	b.environment = append(b.environment, n.environment...)
	return b
}

var _ = Describe("Two processes with one data directory", func() {
	It("91 serve side by side: one keeps the ledger and what is learned, the other says that it does not, and takes over", func() {
		first := newNode(simulated)
		Expect(first.launch()).To(Succeed())
		first.ask("m", "x")
		first.api("GET", "/usage", "") // the ledger is open
		second := first.beside()
		Expect(second.launch()).To(Succeed())
		for _, n := range []*node{first, second} {
			status, _ := n.ask("m", "x")
			Expect(status).To(Equal(http.StatusOK))
		}
		Eventually(second.said).Should(And(
			ContainSubstring(`"ledger":{"ok":false`), ContainSubstring("another aimux process is writing it"),
			ContainSubstring(`"telemetry":{"ok":false,"message":"what is learned is not saved`), ContainSubstring(fmt.Sprintf("locked by process %d", first.cmd.Process.Pid)),
		))
		_, figures, err := second.call("GET", second.admin+"/metrics", "")
		Expect(err).NotTo(HaveOccurred())
		Expect(figures).To(And(ContainSubstring(`caddy_aimux_store_up{store="ledger"} 0`), ContainSubstring(`caddy_aimux_store_up{store="learned"} 0`)))
		Expect(first.said()).NotTo(ContainSubstring(`"ok":false`))

		first.stop()
		Eventually(second.said).WithTimeout(40 * time.Second).ShouldNot(ContainSubstring(`"ok":false`))
		second.stop()
		Expect(first.file("state.json")).To(BeAnExistingFile())
	})

	It("91 share the audit log, whose chain stays whole, and the client keys", func() {
		first := newNode(simulated)
		Expect(first.launch()).To(Succeed())
		first.api("POST", "/clients", `{"name":"one"}`)
		second := first.beside()
		Expect(second.launch()).To(Succeed())
		for i := range 10 {
			first.api("POST", "/clients", fmt.Sprintf(`{"name":"first-%d"}`, i))
			second.api("POST", "/clients", fmt.Sprintf(`{"name":"second-%d"}`, i))
		}
		for _, n := range []*node{first, second} {
			Expect(n.api("POST", "/audit/verify", "{}")).To(ContainSubstring(`"ok":true`))
			l := &life{node: n}
			Eventually(func() int { return len(l.names("/clients?limit=500", "clients", "name")) }).Should(Equal(21))
		}
	})
})

var _ = Describe("A full disk", func() {
	It("82, 83, 84 keeps nobody from being served, is told, and all goes on when there is room again", func() {
		n := newNode(simulated)
		if err := n.onSmallDisk(); err != nil {
			Skip("no file system of its own can be mounted here: " + err.Error())
		}
		Expect(n.launch()).To(Succeed())
		n.ask("m", "x")
		n.api("PUT", "/config", `{"set":[{"pointer":"/limits/body","value":"7MiB"}]}`)
		filler := fmt.Sprintf("/proc/%d/root%s/filler", n.cmd.Process.Pid, n.data)
		Expect(fill(filler)).To(Succeed())

		for range 50 {
			status, _ := n.ask("m", "x")
			Expect(status).To(Equal(http.StatusOK))
		}
		// The audit log finds the disk full once the last page of its file is.
		Eventually(func() string {
			status, text, err := n.call("PUT", n.admin+"/aimux/api/config", `{"set":[{"pointer":"/limits/body","value":"9MiB"}]}`, "If-Match", "*")
			Expect(err).NotTo(HaveOccurred())
			Expect(status).To(BeNumerically(">=", 500), text)
			return n.said()
		}).Should(And(ContainSubstring(`"ledger":{"ok":false`), ContainSubstring(`"audit":{"ok":false`)))
		_, figures, err := n.call("GET", n.admin+"/metrics", "")
		Expect(err).NotTo(HaveOccurred())
		Expect(figures).To(And(ContainSubstring(`caddy_aimux_store_up{store="ledger"} 0`), ContainSubstring(`caddy_aimux_store_up{store="audit"} 0`)))
		Eventually(n.log).WithTimeout(40 * time.Second).Should(ContainSubstring("what is learned is not saved"))
		l := &life{node: n}
		Expect(l.setting("/limits/body")).To(Equal("7MiB"), "the change was refused")

		Expect(os.Remove(filler)).To(Succeed())
		Eventually(func() int {
			status, _, _ := n.call("PUT", n.admin+"/aimux/api/config", `{"set":[{"pointer":"/limits/body","value":"9MiB"}]}`, "If-Match", "*")
			return status
		}).Should(Equal(http.StatusOK))
		Eventually(n.said).WithTimeout(40 * time.Second).ShouldNot(ContainSubstring(`"ok":false`))
		Expect(n.api("POST", "/audit/verify", "{}")).To(ContainSubstring(`"ok":true`))
		Expect(n.api("GET", "/usage", "")).To(ContainSubstring(`"requests":51`), "what waited was written")
	})
})

// onSmallDisk lets the node's process live in a mount namespace of its own, in
// which its data directory is a file system of two MiB.
func (n *node) onSmallDisk() error {
	script := `mount -t tmpfs -o size=2m tmpfs "$XDG_DATA_HOME" && exec "$0" "$@"`
	n.wrap = []string{"unshare", "-rm", "/bin/sh", "-c", script}
	if err := os.MkdirAll(n.data, 0o700); err != nil {
		return err
	}
	probe := exec.Command(n.wrap[0], append(n.wrap[1:], "/bin/true")...)
	probe.Env = []string{"PATH=" + os.Getenv("PATH"), "XDG_DATA_HOME=" + n.data}
	if out, err := probe.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// fill writes a file until there is no room.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 4096)
	for range 1 << 12 {
		if _, err := f.Write(block); err != nil {
			if strings.Contains(err.Error(), "no space") {
				return nil
			}
			return err
		}
	}
	return fmt.Errorf("%s: there is no end of room", filepath.Dir(path))
}

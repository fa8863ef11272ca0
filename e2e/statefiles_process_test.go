package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/e2e/harness"
)

// node is an aimux whose directories, environment and end a spec has in its own
// hand, as the specs of its state files need: several with one data directory,
// or one that is killed again and again.
type node struct {
	dir         string // holds Caddyfile, aimux.toon and the log
	data        string // XDG_DATA_HOME
	url, admin  string
	bin         string
	environment []string
	wrap        []string // a command that runs the process, before its path

	cmd   *exec.Cmd
	ended chan struct{}
}

// nodeCaddyfile has the gateway and nothing else.
const nodeCaddyfile = "{\n\taimux aimux.toon\n\tgrace_period 2s\n\tadmin {$AIMUX_ADMIN}\n}\n{$AIMUX_SITE} {\n\tbind 127.0.0.1\n\taimux\n}\n"

// newNode makes the directories of a node that serves what document says.
func newNode(document string) *node {
	GinkgoHelper()
	bin, err := harness.Binary()
	Expect(err).NotTo(HaveOccurred())
	dir := GinkgoT().TempDir()
	n := &node{dir: dir, data: filepath.Join(dir, "data"), bin: bin, url: "http://" + harness.FreeAddr(GinkgoT()), admin: "http://" + harness.FreeAddr(GinkgoT())}
	Expect(os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(nodeCaddyfile), 0o600)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(dir, "aimux.toon"), []byte(document), 0o600)).To(Succeed())
	DeferCleanup(func() { n.kill() })
	return n
}

// file is the path of one of aimux's own files.
func (n *node) file(name string) string { return filepath.Join(n.data, "caddy", "aimux", name) }

// launch starts the process, with more environment if need be, and returns when
// it is ready. The error has what a process wrote that ended before.
func (n *node) launch(more ...string) error {
	out, err := os.Create(filepath.Join(n.dir, "log"))
	if err != nil {
		return err
	}
	defer out.Close()
	line := append(append([]string{}, n.wrap...), n.bin, "run", "--config", "Caddyfile")
	n.cmd = exec.Command(line[0], line[1:]...)
	n.cmd.Dir, n.cmd.Stdout, n.cmd.Stderr = n.dir, out, out
	n.cmd.Env = append([]string{
		"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + n.dir, "TMPDIR=" + n.dir, "XDG_DATA_HOME=" + n.data,
		"XDG_CONFIG_HOME=" + n.dir + "/config", "AIMUX_SITE=" + n.url, "AIMUX_ADMIN=" + strings.TrimPrefix(n.admin, "http://"), "E2E_KEY=upstream-key",
	}, append(n.environment, more...)...)
	if err := n.cmd.Start(); err != nil {
		return err
	}
	n.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(n.cmd, n.ended)
	return n.await()
}

func (n *node) await() error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if status, _, err := n.call("GET", n.url+"/readyz", ""); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-n.ended:
			return errors.New("aimux ended:\n" + n.log())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("aimux is not ready:\n" + n.log())
}

func (n *node) log() string {
	text, _ := os.ReadFile(filepath.Join(n.dir, "log"))
	return string(text)
}

// kill ends the process at once, if it runs.
func (n *node) kill() {
	if n.cmd != nil && n.cmd.Process != nil {
		_ = n.cmd.Process.Kill()
		<-n.ended
	}
}

// stop asks the process to end and waits until it has.
func (n *node) stop() {
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.ended:
	case <-time.After(20 * time.Second):
		n.kill()
	}
}

// nodeClient keeps no connections, which a killed process would leave behind.
var nodeClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// call sends a request to the node. A body makes it JSON.
func (n *node) call(method, url, body string, headers ...string) (int, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := nodeClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// api calls the console's API by the admin endpoint, which must answer.
func (n *node) api(method, path, body string) string {
	GinkgoHelper()
	status, text, err := n.call(method, n.admin+"/aimux/api"+path, body, "If-Match", "*")
	Expect(err).NotTo(HaveOccurred(), n.log())
	Expect(status).To(BeNumerically("<", 300), "%s %s: %s", method, path, text)
	return text
}

// ask sends a request as a client with a token and returns status and body.
func (n *node) ask(model, token string) (int, string) {
	GinkgoHelper()
	status, text, err := n.call("POST", n.url+"/v1/chat/completions",
		fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hello"}]}`, model), "Authorization", "Bearer "+token)
	Expect(err).NotTo(HaveOccurred(), n.log())
	return status, text
}

// simulated is a document that needs nothing: the simulator within the process
// answers as provider one.
const simulated = "version: 1\nproviders:\n  one:\n    kind: simulator\nkeys[1]{provider,name,secret}:\n  one,main,\"env:E2E_KEY\"\nmodels[1]{alias,provider,model}:\n  \"*\",one,m\n"

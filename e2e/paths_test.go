package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// Keys of nobody, in the shapes of their vendors.
const (
	pathZai     = "0123456789abcdef0123456789abcdef.PathsZaiKey00001"
	pathMinimax = "eyJhbGciOiJSUzI1NiJ9.eyJwYXRocyI6dHJ1ZX0.cGF0aHMtc2lnbmF0dXJl"
)

// showKeys matches text with one of them in it.
func showKeys() OmegaMatcher {
	return SatisfyAny(ContainSubstring(pathZai), ContainSubstring(pathMinimax))
}

// person is somebody with a home, a shell and no aimux yet. Their keys belong to
// the vendors' real addresses, so the vendors are simulated there: behind a
// proxy that leads to this machine only.
type person struct {
	home, url, admin string
	env              []string
	zai, minimax     *harness.Upstream
	proxy            string
	transcript       strings.Builder
	started          bool // by a launcher, so it is nobody's child
}

// newPerson gives somebody a home with aimux and the clients named on the PATH.
func newPerson(clients ...harness.Program) *person {
	GinkgoHelper()
	_, site, _ := strings.Cut(harness.FreeAddr(GinkgoT()), ":")
	p := &person{home: GinkgoT().TempDir(), url: "http://127.0.0.1:" + site, admin: harness.FreeAddr(GinkgoT())}
	bin, err := harness.Binary()
	Expect(err).NotTo(HaveOccurred())
	Expect(os.Mkdir(filepath.Join(p.home, "bin"), 0o700)).To(Succeed())
	Expect(os.Symlink(bin, filepath.Join(p.home, "bin", "aimux"))).To(Succeed())
	for _, c := range clients {
		Expect(os.Symlink(c.Path, filepath.Join(p.home, "bin", filepath.Base(c.Path)))).To(Succeed())
	}
	p.zai = harness.ListenUpstream(GinkgoT(), simulator.Options{Vendor: "zai", Strict: true}, simulator.ListenOptions{TLS: true, Names: []string{"api.z.ai"}})
	p.minimax = harness.ListenUpstream(GinkgoT(), simulator.Options{Vendor: "minimax", Strict: true}, simulator.ListenOptions{TLS: true, Names: []string{"api.minimax.io"}})
	p.proxy = onlyTo(map[string]string{"api.z.ai:443": p.zai.Listener.Addr(), "api.minimax.io:443": p.minimax.Listener.Addr()})
	p.env = []string{
		"PATH=" + filepath.Join(p.home, "bin") + ":" + os.Getenv("PATH"), "HOME=" + p.home, "TMPDIR=" + p.home, "SHELL=/bin/sh",
		"AIMUX_SITE=" + p.url, "AIMUX_URL=" + p.url, "AIMUX_ADMIN=" + p.admin, harness.ConsolePort(GinkgoT()),
		"HTTP_PROXY=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost", "DISABLE_AUTOUPDATER=1",
	}
	DeferCleanup(p.leave)
	return p
}

// onlyTo is a proxy to the addresses given and nowhere else.
func onlyTo(addresses map[string]string) (url string) {
	var strayed atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there, err := net.Dial("tcp", addresses[r.Host])
		if r.Method != http.MethodConnect || err != nil {
			strayed.Store(r.Method + " " + r.Host)
			w.WriteHeader(http.StatusForbidden)
			return
		}
		defer there.Close()
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); there.Close() }()
		_, _ = io.Copy(here, there)
	}))
	DeferCleanup(func() {
		s.Close()
		Expect(strayed.Load()).To(BeNil(), "nobody else is asked")
	})
	return s.URL
}

// reach leads a provider of the configuration through the proxy to a vendor.
func (p *person) reach(name string, up *harness.Upstream) {
	GinkgoHelper()
	name = "AIMUX_PROVIDERS__" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	p.env = append(p.env, name+"__PROXY="+p.proxy, name+"__CA_FILE="+pemOf(up))
}

// try runs a command and returns all that it wrote, in which no key may be.
func (p *person) try(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(p.home, "bin/aimux"), args...)
	c.Dir, c.Env, c.Stdin, c.WaitDelay = p.home, p.env, strings.NewReader(stdin), time.Second
	out, err := c.CombinedOutput()
	p.started = p.started || strings.Contains(string(out), "aimux was not running: started")
	Expect(string(out)).NotTo(showKeys())
	return string(out), err
}

// types runs an aimux command that has to work, and notes it.
func (p *person) types(stdin string, args ...string) string {
	GinkgoHelper()
	out, err := p.try(stdin, args...)
	Expect(err).NotTo(HaveOccurred(), "aimux %s: %s", strings.Join(args, " "), out)
	line := "$ aimux " + strings.Join(args, " ")
	if last := args[len(args)-1]; strings.Contains(last, " ") {
		line = strings.TrimSuffix(line, last) + "'" + last + "'"
	}
	if stdin != "" {
		line += " < key.txt"
	}
	p.note(line, out)
	return out
}

// sees waits until a command tells of something, and notes it then.
func (p *person) sees(what string, args ...string) {
	GinkgoHelper()
	Eventually(func() (string, error) { return p.try("", args...) }).WithTimeout(time.Minute).Should(ContainSubstring(what))
	p.types("", args...)
}

// note adds to the transcript, shortened and without what is secret or this
// machine's.
func (p *person) note(line, out string) {
	text := strings.NewReplacer(p.home, "~", strings.TrimPrefix(p.url, "http://"), "127.0.0.1:8080", p.admin, "localhost:2019").Replace(line + "\n" + strings.TrimSpace(out))
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > 24 {
		lines = append(lines[:23], fmt.Sprintf("… (%d lines more)", len(lines)-23))
	}
	for i, l := range lines {
		if strings.HasPrefix(l, "amx_") {
			l = "amx_…"
		}
		lines[i] = fmt.Sprintf("%.180s", l)
	}
	p.transcript.WriteString(strings.Join(lines, "\n") + "\n")
}

// runs is `aimux run` in a terminal of its own. It returns when it serves; end
// stops it and returns when it has ended.
func (p *person) runs() (end func()) {
	GinkgoHelper()
	caddyfile := filepath.Join(p.home, ".config/aimux/Caddyfile")
	log, err := os.CreateTemp(p.home, "log")
	Expect(err).NotTo(HaveOccurred())
	defer log.Close()
	c := exec.Command(filepath.Join(p.home, "bin/aimux"), "run", "--config", caddyfile)
	c.Dir, c.Env, c.Stdout, c.Stderr = p.home, p.env, log, log
	Expect(c.Start()).To(Succeed())
	alive, gone := context.WithCancel(context.Background())
	go func() { _ = c.Wait(); gone() }()
	DeferCleanup(func() { _ = c.Process.Kill(); <-alive.Done() })
	Eventually(func(g Gomega) {
		r, err := http.Get(p.url + "/readyz")
		g.Expect(err).NotTo(HaveOccurred())
		r.Body.Close()
		g.Expect(r.StatusCode).To(Equal(http.StatusOK))
	}).WithContext(alive).WithTimeout(time.Minute).Should(Succeed(), func() string { said, _ := os.ReadFile(log.Name()); return string(said) })
	p.note("$ aimux run --config "+caddyfile+" &", "")
	return func() {
		p.types("", "stop", "--address", p.admin)
		Eventually(alive.Done()).WithTimeout(time.Minute).Should(BeClosed())
		Expect(os.ReadFile(log.Name())).NotTo(showKeys())
	}
}

// leave ends what a launcher started and shows the transcript.
func (p *person) leave() {
	AddReportEntry("transcript", "\n"+p.transcript.String())
	if !p.started {
		return
	}
	log := filepath.Join(p.home, ".local/share/caddy/aimux/aimux.log")
	_, _ = p.try("", "stop", "--address", p.admin)
	Eventually(os.ReadFile).WithArguments(log).WithTimeout(time.Minute).Should(ContainSubstring("shutdown complete"))
	Expect(os.ReadFile(log)).NotTo(showKeys())
}

// begins is what a newcomer types first.
func (p *person) begins() {
	GinkgoHelper()
	p.types(pathZai+"\n", "init", "--provider", "zai-coding", "--key-stdin")
	p.reach("zai-coding", p.zai)
}

// asks sends a request as an older client would, to the older path.
func (p *person) asks(model, token string) harness.Outcome {
	GinkgoHelper()
	a := harness.At(p.url, http.DefaultClient).Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Path: "/anthropic/v1/messages", Model: model, Stream: true, Header: bearer(token)})
	p.note(fmt.Sprintf("> POST /anthropic/v1/messages, model %s", model), fmt.Sprintf("%d from %s", a.Status, a.Header.Get("X-Aimux-Provider")))
	return a.Outcome(0)
}

var _ = Describe("A path from nothing", func() {
	It("leads by init to Claude Code answering, and to seeing what it used", func() {
		p := newPerson(cli(claudeCodePackage, "claude"))
		p.begins()
		Expect(p.types("", "claude", "-p", "say:Good-morning.")).To(SatisfyAll(ContainSubstring("Good-morning."), ContainSubstring("aimux was not running: started")))
		Expect(p.zai.Keys()).To(HaveEach(pathZai))
		p.sees("zai-coding", "usage")
		Expect(p.types("", "status")).To(SatisfyAll(ContainSubstring("zai-coding"), ContainSubstring("1/1"), Not(ContainSubstring("not running"))))
		Expect(p.types("", "keys", "list")).To(SatisfyAll(ContainSubstring("main"), ContainSubstring("vault")))
		Expect(p.types("", "claude", "-p", "say:Still-here.")).To(SatisfyAll(ContainSubstring("Still-here."), Not(ContainSubstring("was not running"))))
	})

	It("leads by init to Codex using a tool", func() {
		p := newPerson(cli(codexPackage, "codex"))
		p.begins()
		p.types("", "codex", "exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", "-m", "glm-5.2", `call:exec_command {"cmd":"echo marker-$((4000+711)) | tee proof.txt"}`)
		Expect(proof(harness.Program{Dir: p.home})).To(Equal("marker-4711\n"))
		Expect(p.zai.Keys()).To(HaveExactElements(pathZai, pathZai), "two turns, nothing was refused and sent again")
	})
})

var _ = Describe("A path from an older version", func() {
	DescribeTable("leads by migrate to the same gateway, which the older clients reach as before", func(file, old, first string) {
		p := newPerson()
		source := filepath.Join(p.home, filepath.FromSlash(file))
		Expect(os.MkdirAll(filepath.Dir(source), 0o700)).To(Succeed())
		old = strings.NewReplacer("ZAI_KEY", pathZai, "MINIMAX_KEY", pathMinimax).Replace(old)
		Expect(os.WriteFile(source, []byte(old), 0o600)).To(Succeed())
		p.types("", "migrate", "--dry-run")
		Expect(filepath.Join(p.home, ".config/aimux/aimux.toon")).NotTo(BeAnExistingFile())
		p.types("", "migrate")
		p.reach("zai", p.zai)
		p.reach("minimax", p.minimax)
		end := p.runs()
		Expect(p.asks("claude-sonnet-4-5", "anything")).To(Equal(harness.OK))
		Expect(map[string]int{"zai": p.zai.Count(), "minimax": p.minimax.Count()}).To(HaveKeyWithValue(first, 1))
		Expect(p.asks("zai/glm-4.6", "anything")).To(Equal(harness.OK))
		Expect(p.asks("minimax/MiniMax-M3", "anything")).To(Equal(harness.OK))
		Expect(slices.Compact(p.zai.Keys())).To(Equal([]string{pathZai}))
		Expect(slices.Compact(p.minimax.Keys())).To(Equal([]string{pathMinimax}))
		end()
		Expect(os.ReadFile(source)).To(BeEquivalentTo(old), "what was read is not changed")
		for _, name := range []string{"aimux.toon", "migration-report.json"} {
			Expect(os.ReadFile(filepath.Join(p.home, ".config/aimux", name))).NotTo(showKeys(), name)
		}
	},
		Entry("aimux 1", ".config/aimux/config.json", `{"selectedModel":"GLM-4.6","firstRunCompleted":true,"multiProvider":{"providers":{
 "minimax-m2":{"name":"Minimax M2","apiKey":"MINIMAX_KEY","capabilities":["thinking","tools"],"enabled":true,"priority":7},
 "z-ai":{"name":"Z.AI","apiKey":"ZAI_KEY","models":["GLM-4.6"],"capabilities":["vision","tools"],"enabled":true,"priority":6}},
 "routing":{"defaultProvider":"z-ai","strategy":"capability","enableFailover":true},"fallback":{"enabled":true,"maxFailures":3}}}`, "zai"),
		Entry("aimux 3, production", "production-config.json", `{"providers":[
 {"name":"minimax","api_key":"MINIMAX_KEY","endpoint":"https://api.minimax.io/anthropic","group_id":"1234567890","models":["minimax-m2-100k"],"enabled":true,"priority":1},
 {"name":"zai","api_key":"ZAI_KEY","endpoint":"https://api.z.ai","models":["zai-claude-3"],"enabled":true,"priority":2}],
 "webui":{"enabled":true,"port":8080},"system":{"environment":"production"}}`, "minimax"),
	)
})

var _ = Describe("A path back", func() {
	It("leads from a backup, with the data gone, to the same keys and clients, and can be undone", func() {
		p := newPerson()
		Expect(os.WriteFile(filepath.Join(p.home, "pass"), []byte("correct horse battery staple 4711\n"), 0o600)).To(Succeed())
		p.begins()
		anna := token(p.types("", "clients", "create", "anna"))
		p.types("", "backup", "--to", "safe.age", "--passphrase-file", "pass")
		Expect(os.RemoveAll(filepath.Join(p.home, ".local"))).To(Succeed())
		p.types("", "restore", "safe.age", "--passphrase-file", "pass", "--yes")
		end := p.runs()
		Expect(p.asks("glm-5.2", anna)).To(Equal(harness.OK))
		Expect(p.asks("glm-5.2", "anything")).To(Equal(unauthenticated))
		Expect(p.zai.Keys()).To(Equal([]string{pathZai}))
		bert := token(p.types("", "clients", "create", "bert"))
		end()

		for _, step := range []struct {
			args []string
			bert harness.Outcome
		}{{[]string{"restore", "safe.age", "--passphrase-file", "pass", "--yes"}, unauthenticated}, {[]string{"restore", "--undo"}, harness.OK}} {
			p.types("", step.args...)
			end = p.runs()
			Expect(p.asks("glm-5.2", bert)).To(Equal(step.bert))
			Expect(p.asks("glm-5.2", anna)).To(Equal(harness.OK))
			end()
		}
	})
})

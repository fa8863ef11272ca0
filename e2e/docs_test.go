package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"go.yaml.in/yaml/v3"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
	"github.com/aimux/aimux/toon"
)

// notRun are the commands of the documentation that no test can run, by a
// regular expression, with the reason. Their flags are still looked for in
// --help.
var notRun = []struct{ command, why string }{
	{`^sudo `, "needs root"},
	{`aimux service `, "talks to the machine's service manager"},
	{`aimux (run|start)\b`, "serves until it is stopped; every other spec runs it"},
	{`aimux stop\b`, "ends what the other commands of the page need"},
	{`aimux restore\b.*(\.age|\.toon|--undo)$`, "needs a stopped server; backups have specs of their own"},
	{`source$|Invoke-Expression$`, "is for a shell that is not here"},
	{`https://[a-z.]*example\.com`, "names a server that does not exist"},
	{`aimux providers add`, "would ask the provider itself for its models"},
	{`If-Match: "…"`, "has a gap for the reader to fill"},
	{`api/events`, "never ends"},
}

var _ = Describe("The documentation", func() {
	docs, err := harness.Docs()
	if err != nil {
		Fail(err.Error())
	}
	It("gives no reason for a command that it does not have", func() {
		for _, n := range notRun {
			used := false
			for _, d := range docs {
				for _, c := range d.Commands("aimux", "curl", "caddy") {
					used = used || regexp.MustCompile(n.command).MatchString(c.Text)
				}
			}
			Expect(used).To(BeTrue(), n.command)
		}
	})
	for _, d := range docs {
		It("has commands that work: "+d.Name, func() { runs(d) })
		It("has links that lead somewhere: "+d.Name, func() {
			for _, link := range d.Links {
				Expect(leads(docs, d.Name, link)).To(Succeed(), "%s: %s", d.Name, link)
			}
		})
		It("has blocks that parse: "+d.Name, func() {
			var wrong []string
			for _, b := range d.Blocks {
				if err := parses(b); err != nil {
					wrong = append(wrong, fmt.Sprintf("%s:%d: %v", d.Name, b.Line, err))
				}
			}
			Expect(wrong).To(BeEmpty(), strings.Join(wrong, "\n"))
		})
	}
})

// leads looks for what a link of a page leads to: a file, and a heading in it.
func leads(docs []harness.Doc, from, link string) error {
	file, heading, _ := strings.Cut(link, "#")
	name := from
	if file != "" {
		name = path.Join(path.Dir(from), file)
	}
	if _, err := os.Stat(filepath.Join(harness.Root(), filepath.FromSlash(name))); err != nil || heading == "" {
		return err
	}
	for _, d := range docs {
		if d.Name == name && !slices.Contains(d.Anchors, heading) {
			return fmt.Errorf("%s has no heading %s; it has %s", name, heading, strings.Join(d.Anchors, ", "))
		}
	}
	return nil
}

// runs types every command of a page where an aimux runs and clients are
// installed, one after the other.
func runs(d harness.Doc) {
	GinkgoHelper()
	commands := d.Commands("aimux", "curl", "caddy")
	if len(commands) == 0 {
		return
	}
	desk := newDesk(d.Name)
	var wrong []string
	ran := 0
	for _, c := range commands {
		if why := excused(c.Text); why == "" {
			ran++
			if out, err := desk.typed(c); err != nil {
				wrong = append(wrong, fmt.Sprintf("%s:%d: %s: %v\n%s", d.Name, c.Line, c.Text, err, shortened(out)))
			}
		}
		if err := desk.knows(c); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s:%d: %s: %v", d.Name, c.Line, c.Text, err))
		}
	}
	AddReportEntry(fmt.Sprintf("%s: %d commands, %d of them run", d.Name, len(commands), ran))
	Expect(wrong).To(BeEmpty(), strings.Join(wrong, "\n"))
}

func excused(command string) string {
	for _, n := range notRun {
		if regexp.MustCompile(n.command).MatchString(command) {
			return n.why
		}
	}
	return ""
}

func shortened(s string) string { return fmt.Sprintf("%.600s", s) }

// desk is where a reader of the documentation sits: a home directory, aimux and
// clients to be found, and a gateway that runs and has been used.
type desk struct {
	gw                          *harness.Gateway
	config                      harness.Config
	places                      string // what stands for the machine's own directories
	console, password, exchange string
}

const deskToon = `version: 1
providers:
  zai:
    kind: zai
    base_url: %[1]q
    allow_http: true
  cerebras:
    kind: cerebras
    base_url: %[1]q
    allow_http: true
keys[2]{provider,name,secret}:
  zai,first,"env:ZAI_API_KEY"
  cerebras,main,"env:CEREBRAS_API_KEY"
models[2]{alias,provider,model}:
  coder,zai,glm-5.2
  coder,cerebras,gpt-oss-120b
backups:
  passphrase: "file:%[2]s/etc/backup.pass"
`

func newDesk(page string) *desk {
	GinkgoHelper()
	up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
	k := &desk{places: GinkgoT().TempDir()}
	k.furnish(k.places, map[string]string{
		"etc/backup.pass": "a passphrase of the documentation\n",
		"usb/README":      "a stick\n",
		"old/config.json": deskOld,
	})
	k.config = harness.Config{
		Env: []string{harness.ConsolePort(GinkgoT()), "ZAI_API_KEY=key-of-zai-0123456789", "CEREBRAS_API_KEY=key-of-cerebras-0123456789",
			"MINIMAX_API_KEY=key-of-minimax-0123456789"},
		Toon: fmt.Sprintf(deskToon, up.URL()+"/v1", k.places),
	}
	k.gw = harness.Start(GinkgoT(), k.config)
	k.console = k.gw.Console()
	k.furnish(k.places, map[string]string{"etc/Caddyfile": "{\n\taimux gateway.toon\n}\n", "etc/gateway.toon": k.config.Toon})
	k.furnish(k.gw.Dir, map[string]string{
		"bin/claude":                "#!/bin/sh\nexit 0\n",
		"bin/codex":                 "#!/bin/sh\nexit 0\n",
		"key.txt":                   "sk-a-key-of-the-documentation-0123456789\n",
		"new-key.txt":               "sk-a-new-key-of-the-documentation-0123456789\n",
		"key.json":                  `{"provider":"zai","name":"second","secret":"sk-a-key-of-the-documentation-9876543210"}`,
		"projects/.env":             "ZAI_API_KEY=sk-an-old-key-0123456789abcdef\n",
		".config/aimux/config.json": deskOld,
	})
	bin, err := harness.Binary()
	Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{"aimux", "caddy"} {
		Expect(os.Symlink(bin, filepath.Join(k.gw.Dir, "bin", name))).To(Succeed())
	}
	k.use(up)
	if page != "README.md" { // which begins with a provider that has no such key
		out, err := k.typed(harness.ShellCommand{Text: "aimux keys add zai main --stdin"})
		Expect(err).NotTo(HaveOccurred(), out)
	}
	return k
}

// deskOld is a configuration of an older version.
const deskOld = `{"providers":{"zai":{"name":"zai","apiKey":"sk-an-old-key-0123456789abcdef","enabled":true}}}`

// furnish writes files.
func (k *desk) furnish(dir string, files map[string]string) {
	GinkgoHelper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		Expect(os.MkdirAll(filepath.Dir(path), 0o700)).To(Succeed())
		Expect(os.WriteFile(path, []byte(text), 0o700)).To(Succeed())
	}
}

// use makes the past that reports are about: answers, and a failure.
func (k *desk) use(up *harness.Upstream) {
	GinkgoHelper()
	k.exchange = k.gw.Ask(GinkgoT(), harness.Ask{Model: "coder"}).Header.Get("X-Aimux-Request-Id")
	up.Script(simulator.Selector{Model: "glm-5.2"}, simulator.Fail("400"))
	k.gw.Ask(GinkgoT(), harness.Ask{Model: "zai/glm-5.2"})
	Eventually(func() int64 {
		var requests int64
		for _, s := range k.gw.Spent(GinkgoT(), "client") {
			requests += s.Requests
		}
		return requests
	}).Should(BeNumerically(">=", 2))
	Eventually(func() string {
		word, _ := os.ReadFile(k.gw.DataFile("console-password"))
		k.password = strings.TrimSpace(string(word))
		return k.password
	}).ShouldNot(BeEmpty())
}

// typed runs a command by the shell. One that asks for a secret gets it on its
// standard input, where it allows that; a page shows what is typed at a terminal.
func (k *desk) typed(c harness.ShellCommand) (string, error) {
	if strings.Contains(c.Text, "aimux init") { // pages show several ways to begin
		_ = os.RemoveAll(filepath.Join(k.gw.Dir, "config", "aimux"))
	}
	out, err := k.shell(c)
	if err != nil && strings.Contains(out, "there is no terminal") && strings.Contains(out, "--stdin") {
		c.Text += " --stdin"
		out, err = k.shell(c)
	}
	return out, err
}

func (k *desk) shell(c harness.ShellCommand) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	script := k.here(strings.Join(append(c.Before, strings.TrimPrefix(c.Text, "$ ")), "\n"))
	run := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	run.Dir, run.Env = k.gw.Dir, k.environment()
	run.Stdin = strings.NewReader("sk-typed-by-a-reader-0123456789\n")
	run.WaitDelay = time.Second
	out, err := run.CombinedOutput()
	return string(out), err
}

// here replaces the addresses and places of the documentation by those of the
// test, and makes curl fail when it is answered with an error.
func (k *desk) here(script string) string {
	gateway, admin := strings.TrimPrefix(k.gw.URL, "http://"), strings.TrimPrefix(k.gw.Admin, "http://")
	script = strings.NewReplacer(
		"127.0.0.1:8080", gateway, "localhost:8080", gateway, "localhost:2019", admin, "127.0.0.1:2019", admin,
		"http://127.0.0.1:8081", k.console, "http://localhost:8081", k.console,
		`"password":"…"`, `"password":"`+k.password+`"`, "/etc/aimux", k.places+"/etc", "/mnt/usb", k.places+"/usb", "/opt/aimux2", k.places+"/old", "req_01JD8", k.exchange,
		"./bin/aimux", "aimux", "bin/aimux", "aimux",
	).Replace(script)
	return regexp.MustCompile(`(?m)^curl `).ReplaceAllString(script, "curl --fail-with-body --max-time 10 ")
}

func (k *desk) environment() []string {
	dir := k.gw.Dir
	env := []string{
		"PATH=" + dir + "/bin:/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "TMPDIR=" + dir,
		"XDG_DATA_HOME=" + dir + "/data", "XDG_CONFIG_HOME=" + dir + "/config", "XDG_CACHE_HOME=" + dir + "/cache",
		"AIMUX_ADMIN=" + strings.TrimPrefix(k.gw.Admin, "http://"), "AIMUX_SITE=" + k.gw.URL, "AIMUX_TOKEN=a-token",
		"PASSWORD=" + k.password,
	}
	return append(env, k.config.Env...)
}

// knows looks every flag of an aimux command up in its help.
func (k *desk) knows(c harness.ShellCommand) error {
	words := strings.Fields(k.here(c.Text))
	at := 0
	for at < len(words) && filepath.Base(words[at]) != "aimux" && words[at] != "caddy" {
		at++
	}
	if at == len(words) || c.Program == "curl" {
		return nil
	}
	args := []string{}
	for _, w := range words[at+1:] {
		if !regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(w) {
			break
		}
		args = append(args, w)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	show := exec.CommandContext(ctx, filepath.Join(k.gw.Dir, "bin", words[at]), append([]string{"help"}, args...)...)
	show.Dir, show.Env = k.gw.Dir, k.environment()
	help, err := show.CombinedOutput()
	if err != nil {
		return fmt.Errorf("its help: %w: %s", err, shortened(string(help)))
	}
	for _, w := range words[at+1:] {
		if w == "--" || w == "|" || w == ";" || w == "&&" {
			break
		}
		flag, _, _ := strings.Cut(w, "=")
		if strings.HasPrefix(flag, "--") && !strings.Contains(string(help), flag) {
			return fmt.Errorf("its help has no %s", flag)
		}
	}
	return nil
}

// parses checks a block by its language, or by how it begins if it has none.
func parses(b harness.Block) error {
	switch first, _, _ := strings.Cut(b.Text, "\n"); {
	case b.Language == "json":
		var any any
		return json.Unmarshal([]byte(b.Text), &any)
	case b.Language == "yaml":
		var any any
		if err := yaml.Unmarshal([]byte(b.Text), &any); err != nil || !strings.HasPrefix(first, "version:") {
			return err
		}
		return checks("aimux.yaml", b.Text)
	case b.Language == "toon" || strings.HasPrefix(first, "version: 1"):
		if _, err := toon.Parse([]byte(b.Text), toon.RepairCounts()); err != nil || !strings.Contains(b.Text, "\nproviders") || !strings.Contains(b.Text, "\nkeys") {
			return err
		}
		return checks("aimux.toon", b.Text)
	case b.Language == "caddyfile" || b.Language == "caddy" || b.Language == "" && first == "{":
		return adapts(b.Text)
	}
	return nil
}

// checks runs a configuration through aimux config check. Files and variables
// that only the reader has do not matter.
func checks(name, text string) error {
	dir := GinkgoT().TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		return err
	}
	return aimux(dir, "config", "check", name)
}

// adapts runs a Caddyfile, or a part of one, through aimux adapt: as it is, as a
// site's block, as global options.
func adapts(text string) error {
	var first error
	for _, form := range []string{"%s", "http://127.0.0.1:8080 {\n%s\n}\n", "{\n%s\n}\n"} {
		dir := GinkgoT().TempDir()
		if err := os.WriteFile(filepath.Join(dir, "Caddyfile"), fmt.Appendf(nil, form, text), 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "aimux.toon"), []byte("version: 1\nproviders:\n  one:\n    kind: simulator\n"), 0o600); err != nil {
			return err
		}
		err := aimux(dir, "adapt", "--config", "Caddyfile")
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// aimux runs the binary in a directory that is also its home.
func aimux(dir string, args ...string) error {
	bin, err := harness.Binary()
	if err != nil {
		return err
	}
	name := filepath.Join(GinkgoT().TempDir(), "aimux") // by another name it is a Caddy with its commands below aimux
	if err := os.Symlink(bin, name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("aimux %s: %w: %s", strings.Join(args, " "), err, shortened(string(out)))
	}
	return nil
}

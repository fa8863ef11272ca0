package e2e

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// The versions whose behaviour was observed.
const (
	claudeCodePackage = "@anthropic-ai/claude-code@2.1.330"
	codexPackage      = "@openai/codex@0.169.0"
)

// cli installs a command-line client, or skips the spec when it cannot be
// installed or does not run here.
func cli(pkg, name string) harness.Program {
	GinkgoHelper()
	dir, err := harness.Npm(pkg)
	if err != nil {
		Skip(err.Error())
	}
	p := harness.Program{Path: filepath.Join(dir, "node_modules", ".bin", name), Args: []string{"--version"}, Dir: GinkgoT().TempDir()}
	if out, errs, err := p.Run(); err != nil {
		Skip(name + " does not run here: " + err.Error() + "\n" + out + errs)
	}
	return p
}

// proof is a file that a tool call has to write where the client works.
func proof(p harness.Program) string {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join(p.Dir, "proof.txt"))
	Expect(err).NotTo(HaveOccurred(), "the tool did not run")
	return string(text)
}

var _ = Describe("Claude Code", func() {
	DescribeTable("goes through a tool-use turn", func(d harness.Dialect) {
		p := cli(claudeCodePackage, "claude")
		gw, up := facing(d)
		p.Args = []string{"-p", `say:Writing. call:Bash {"command":"echo marker-$((4000+711)) | tee proof.txt","description":"proof"}`, "--model", "my-model", "--allowedTools", "Bash"}
		p.Env = []string{
			"ANTHROPIC_BASE_URL=" + gw.URL, "ANTHROPIC_AUTH_TOKEN=" + harness.ClientKey,
			"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "DISABLE_TELEMETRY=1", "DISABLE_ERROR_REPORTING=1",
		}
		out, errs, err := p.Run()
		Expect(err).NotTo(HaveOccurred(), "%s%s", out, errs)
		Expect(out).To(ContainSubstring(`The tool says "marker-4711".`), errs)
		Expect(proof(p)).To(Equal("marker-4711\n"))
		turns(up, d)
	}, entries())
})

var _ = Describe("Codex", func() {
	DescribeTable("goes through a tool-use turn", func(d harness.Dialect) {
		p := cli(codexPackage, "codex")
		gw, up := facing(d)
		p.Args = []string{"exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", "-m", "my-model",
			"-c", "model_provider=aimux", "-c", `model_providers.aimux={name="aimux",base_url="` + gw.URL + `/v1",wire_api="responses",env_key="CLIENT_KEY"}`,
			`call:exec_command {"cmd":"echo marker-$((4000+711)) | tee proof.txt"}`}
		p.Env = []string{"CLIENT_KEY=" + harness.ClientKey}
		out, errs, err := p.Run()
		Expect(err).NotTo(HaveOccurred(), "%s%s", out, errs)
		Expect(out).To(ContainSubstring(`The tool says "Chunk ID:`), errs)
		Expect(proof(p)).To(Equal("marker-4711\n"))
		turns(up, d)
	}, entries())
})

// turns wants two turns, both answered well, in the upstream's dialect and with
// its key.
func turns(up *harness.Upstream, d harness.Dialect) {
	GinkgoHelper()
	var good []simulator.Record
	for _, r := range up.Requests() {
		Expect(r.Key).To(Equal("upstream-key"))
		if r.Status == 200 && r.Dialect == string(d) {
			good = append(good, r)
		}
	}
	Expect(good).To(HaveLen(2))
	Expect(up.Count()).To(Equal(2), "nothing was refused and sent again")
}

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// jsClients installs what e2e/clients/package.json pins, or skips the spec.
func jsClients() string {
	GinkgoHelper()
	data, err := os.ReadFile(filepath.Join(harness.Root(), "e2e", "clients", "package.json"))
	Expect(err).NotTo(HaveOccurred())
	var manifest struct{ Dependencies map[string]string }
	Expect(json.Unmarshal(data, &manifest)).To(Succeed())
	var packages []string
	for name, version := range manifest.Dependencies {
		packages = append(packages, name+"@"+version)
	}
	slices.Sort(packages)
	dir, err := harness.Npm(packages...)
	if err != nil {
		Skip(err.Error())
	}
	return dir
}

// told is what talk.mjs prints of a check.
type told struct {
	Text, Stop, Error string
	Tokens            int
	Calls             []string
}

var _ = Describe("The JavaScript clients", func() {
	DescribeTable("openai and @anthropic-ai/sdk chat, stream, call tools and get structure", func(d harness.Dialect) {
		modules := jsClients()
		gw, up := facing(d)
		if d == harness.Messages {
			// Anthropic itself has message threads, which the SDK's tool runner
			// uses and the simulator has not; a compatible server has none.
			gw, up = one("anthropic-compatible", simulator.Options{Strict: true})
		}
		talk := harness.Program{Path: "node", Args: []string{filepath.Join(harness.Root(), "e2e", "clients", "talk.mjs"), gw.URL, modules}, Dir: GinkgoT().TempDir()}
		out, errs, err := talk.Run()
		Expect(err).NotTo(HaveOccurred(), errs)
		seen := map[string]told{}
		Expect(json.Unmarshal([]byte(out), &seen)).To(Succeed(), out)
		stops := map[string]string{
			"chat": "stop", "chatStream": "stop", "responses": "completed", "responsesStream": "completed", "messages": "end_turn", "messagesStream": "end_turn",
		}
		for name, stop := range stops {
			t := seen[name]
			Expect(t.Error).To(BeEmpty(), name)
			Expect(t.Stop).To(Equal(stop), name)
			Expect(t.Tokens).To(BeNumerically(">", 10), name)
			transcript, err := simulator.CheckTranscript(t.Text)
			Expect(err).NotTo(HaveOccurred(), name)
			Expect(transcript.Words).To(Equal(16), name)
		}
		for _, name := range []string{"chatTools", "responsesTools", "messagesTools"} {
			Expect(seen[name].Error).To(BeEmpty(), name)
			Expect(seen[name].Calls).To(Equal([]string{"/tmp"}), name)
			Expect(seen[name].Text).To(ContainSubstring("a.txt"), name)
		}
		for _, name := range []string{"chatSchema", "responsesSchema", "messagesSchema"} {
			Expect(seen[name].Error).To(BeEmpty(), name)
			wantPerson(seen[name].Text)
		}
		Expect(seen["messagesCount"].Tokens).To(BeNumerically(">", 100), seen["messagesCount"].Error)
		Expect(seen["models"].Calls).To(ContainElements("one/m"), seen["models"].Error)
		Expect(seen["refusal"].Calls).To(Equal([]string{"BadRequestError 400", "BadRequestError 400"}))
		if d == harness.Chat {
			Expect(seen["embeddings"].Tokens).To(BeNumerically(">", 0), seen["embeddings"].Error)
		}
		for _, r := range up.Requests() {
			Expect(r.Key).To(Equal("upstream-key"))
			Expect(r.BothKeys).To(BeFalse())
		}
	}, entries())
})

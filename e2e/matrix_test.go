package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// row is a row of the fault matrix: one upstream has the fault, another is
// healthy, and this is what clients may see.
type row struct {
	number int
	fault  string
	// stream and whole are the outcomes; empty leaves that form out.
	stream, whole harness.Outcome
	// by is who gives a whole answer: good, the healthy one, when it is empty;
	// bad, in spite of its fault.
	by string
	// dialects bounds the ingress. Default: Chat and Messages, and Responses
	// where nothing is translated.
	dialects []harness.Dialect
	// untranslated leaves out the variants whose upstream speaks another dialect.
	untranslated bool
	// upstream bounds the variants to those whose upstream speaks that dialect.
	upstream harness.Dialect
	vendor   string
	more     string // TOON: timeouts and limits
	ask      harness.Ask
}

// variant is one way of meeting a fault.
type variant struct {
	dialect    harness.Dialect
	stream     bool
	translated bool
}

func (v variant) String() string {
	return fmt.Sprintf("%s stream=%v translated=%v", v.dialect, v.stream, v.translated)
}

// upstream returns the dialect that the failing upstream is asked in.
func (v variant) upstream() harness.Dialect {
	switch {
	case !v.translated:
		return v.dialect
	case v.dialect == harness.Messages:
		return harness.Chat
	}
	return harness.Messages
}

// kinds returns the provider kinds of the failing and the healthy upstream.
func (v variant) kinds() (bad, good string) {
	switch {
	case !v.translated:
		return "simulator", "simulator"
	case v.dialect == harness.Messages:
		return "openai-compatible", "anthropic-compatible"
	}
	return "anthropic-compatible", "openai-compatible"
}

func (r row) variants() []variant {
	dialects := r.dialects
	if dialects == nil {
		dialects = harness.Dialects
	}
	var out []variant
	for _, d := range dialects {
		for _, stream := range []bool{false, true} {
			if stream && r.stream == "" || !stream && r.whole == "" {
				continue
			}
			for _, v := range []variant{{d, stream, false}, {d, stream, true}} {
				if v.translated && r.untranslated || r.upstream != "" && r.upstream != v.upstream() {
					continue
				}
				out = append(out, v)
			}
		}
	}
	return out
}

// pair is the two upstreams of a row and a gateway in front of them that has a
// provider of each for every variant, so that what one variant does to keys and
// breakers is nothing to the next.
type pair struct {
	bad, good *harness.Upstream
	gw        *harness.Gateway
}

func (r row) start(badURL string, env ...string) pair {
	GinkgoHelper()
	p := pair{
		bad:  harness.NewUpstream(GinkgoT(), simulator.Options{Name: "bad", Vendor: r.vendor}),
		good: harness.NewUpstream(GinkgoT(), simulator.Options{Name: "good"}),
	}
	if badURL == "" {
		badURL = p.bad.URL()
	}
	c := harness.Config{More: r.more, Env: env}
	for i, v := range r.variants() {
		bad, good := v.kinds()
		if r.vendor != "" && !v.translated {
			bad = r.vendor
		}
		name := fmt.Sprintf("v%d", i)
		c.Providers = append(c.Providers,
			harness.Provider{Name: "bad-" + name, Kind: bad, URL: badURL, Keys: []string{"bad-" + name}},
			harness.Provider{Name: "good-" + name, Kind: good, URL: p.good.URL(), Keys: []string{"good-" + name}})
		c.Models = append(c.Models,
			harness.Route{Alias: name, Provider: "bad-" + name, Model: "m-" + name, Tier: 1},
			harness.Route{Alias: name, Provider: "good-" + name, Model: "m-" + name, Tier: 2})
	}
	p.gw = harness.Start(GinkgoT(), c)
	if r.fault != "" {
		p.bad.Script(simulator.Selector{}, forever(r.fault))
	}
	return p
}

// forever is a step that never ends.
func forever(fault string) simulator.Step {
	step := simulator.Fail(fault)
	step.Forever = true
	return step
}

// verify runs all variants and reports all that is wrong at once.
func (r row) verify(p pair) {
	GinkgoHelper()
	variants := r.variants()
	found := make([]string, len(variants))
	var wait sync.WaitGroup
	for i, v := range variants {
		wait.Go(func() {
			ask := r.ask
			ask.Dialect, ask.Stream, ask.Model = v.dialect, v.stream, fmt.Sprintf("v%d", i)
			a := p.gw.Ask(GinkgoT(), ask)
			if problem := r.problem(v, a); problem != "" {
				found[i] = fmt.Sprintf("%s: %s\n\t%s", v, problem, shorten(a))
			}
		})
	}
	wait.Wait()
	wrong := slices.DeleteFunc(found, func(s string) bool { return s == "" })
	Expect(wrong).To(BeEmpty(), "row %d, %s:\n%s", r.number, r.fault, strings.Join(wrong, "\n"))
}

// shorten shows the end of an answer.
func shorten(a *harness.Answer) string {
	text := string(a.Body)
	for _, ev := range a.Events[max(0, len(a.Events)-3):] {
		text += ev.Name + " " + ev.Data[:min(len(ev.Data), 300)] + " | "
	}
	return fmt.Sprintf("%.700s", text)
}

// problem says what is wrong with an answer, "" when nothing is.
func (r row) problem(v variant, a *harness.Answer) string {
	want := r.whole
	if v.stream {
		want = r.stream
	}
	words := 16
	if r.ask.More != nil {
		words = 0
	}
	got := a.Outcome(words)
	if got != want {
		return fmt.Sprintf("%s, want %s", got, want)
	}
	seen, _ := a.Transcript()
	by := r.by
	if want == harness.EVT {
		by = "bad"
	}
	if by == "" {
		by = "good"
	}
	if (want == harness.OK || want == harness.EVT) && seen.Words > 0 && seen.Name != by {
		return fmt.Sprintf("answered by %s, want %s", seen.Name, by)
	}
	return ""
}

package route

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the table in docs/routing.md")

// seeds is how often a scenario is run, with other chances each time.
const seeds = 3

// TestSimulation_FastestComesNearestTheOracle runs every scenario under every
// policy in virtual time. The fastest strategy may never be clearly behind
// another that can be had without knowing the future, and its regret against
// the oracle is bounded.
func TestSimulation_FastestComesNearestTheOracle(t *testing.T) {
	var b strings.Builder
	b.WriteString("| scenario | " + strings.Join(policies(), " | ") + " |\n|---" + strings.Repeat("|---", len(policies())) + "|\n")
	regrets := map[string]float64{}
	for _, sc := range scenarios() {
		fmt.Fprintf(&b, "| %s ", sc.name)
		means := map[string]float64{}
		for _, policy := range policies() {
			m, p95 := 0.0, 0.0
			for seed := range uint64(seeds) {
				s := newSim(sc, policy, seed).run()
				m += s.mean() / seeds
				p95 += s.p95() / seeds
			}
			means[policy] = m
			regret := m/means["oracle"] - 1
			regrets[policy] += regret
			if policy == "oracle" {
				fmt.Fprintf(&b, "| %.2f s, p95 %.1f ", m, p95)
			} else {
				fmt.Fprintf(&b, "| %.2f s, p95 %.1f, +%.0f %% ", m, p95, 100*regret)
			}
		}
		b.WriteString("|\n")
		for _, other := range policies()[2:] {
			if means["fastest"] > 1.02*means[other] {
				t.Errorf("%s: fastest takes %.2f s, %s %.2f s", sc.name, means["fastest"], other, means[other])
			}
		}
		if r := means["fastest"]/means["oracle"] - 1; r > 0.35 {
			t.Errorf("%s: regret of %.0f %%, at most 35 %% is allowed", sc.name, 100*r)
		}
	}
	for _, other := range policies()[2:] {
		if regrets["fastest"]*2 > regrets[other] {
			t.Errorf("summed regret of fastest %.2f is not half of that of %s, %.2f", regrets["fastest"], other, regrets[other])
		}
	}
	t.Log("\n" + b.String())
	checkTable(t, b.String())
}

// TestSimulation_TrafficMovesAndReturns holds how soon traffic leaves a
// target that fails, and how soon it comes back.
func TestSimulation_TrafficMovesAndReturns(t *testing.T) {
	for _, sc := range scenarios() {
		if sc.watch == "" {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			for seed := range uint64(10) {
				checkMoves(t, newSim(sc, string(Fastest), seed).run())
			}
		})
	}
}

func checkMoves(t *testing.T, s *sim) {
	t.Helper()
	before := s.share(s.watch, s.from-time.Minute, s.from)
	within := s.share(s.watch, s.from+10*time.Second, s.from+20*time.Second)
	during := s.share(s.watch, s.from+10*time.Second, s.to)
	back := s.share(s.watch, s.to+60*time.Second, s.to+90*time.Second)
	t.Logf("share of %s: %.2f before, %.2f ten seconds in, %.2f until the end, %.2f a minute after", s.watch, before, within, during, back)
	if before < 0.9 {
		t.Errorf("share %.2f before, want at least 0.9", before)
	}
	if within > 0.1*before || during > 0.1*before {
		t.Errorf("share %.2f ten seconds in and %.2f all along, want at least 90 %% moved away", within, during)
	}
	if back < 0.9*before {
		t.Errorf("share %.2f a minute after the end, want it back", back)
	}
}

// checkTable compares the table with the one in docs/routing.md. Rounding
// differs between processors, so only one kind of them is held to the letter.
func checkTable(t *testing.T, table string) {
	const begin, end = "<!-- simulation -->\n", "<!-- /simulation -->"
	path := filepath.Join("..", "..", "..", "docs", "routing.md")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("no docs to compare with: %v", err)
	}
	head, rest, ok := strings.Cut(string(doc), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(head+begin+table+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(strings.Split(old, "\n"), strings.Split(table, "\n")); d != "" && runtime.GOARCH == "amd64" {
		t.Errorf("the table in docs/routing.md is out of date (-docs +now); run with -update:\n%s", d)
	}
}

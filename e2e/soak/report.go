package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/e2e/harness"
)

// report is what a soak found.
type report struct {
	plan          plan
	begun         time.Time
	before, after sample // idle, with garbage collected
	samples       []sample
	tally         tally
	changes       *changes
	faults        int
	counters      map[string]float64
}

// markdown is the report as text.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Soak of %s\n\nBegun %s, %d processors, %s. %d requests a second, %d streams of %s, a fault every %s, a change of configuration every %s, a sample every %s after a forced garbage collection.\n",
		r.plan.length, r.begun.UTC().Format(time.DateTime+" UTC"), runtime.NumCPU(), runtime.Version(), r.plan.rate, r.plan.streams, r.plan.half(), faultEvery, min(reloadEvery, r.plan.length/6), r.plan.sampleEvery())
	b.WriteString("\n| Check | Wanted | Found | |\n|---|---|---|---|\n")
	for _, v := range r.verdicts() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", v.what, v.want, strings.ReplaceAll(v.got, "|", "¦"), mark(v.ok))
	}
	b.WriteString("\n| | Before, idle | Under load: first quarter, last quarter | After, idle |\n|---|---|---|---|\n")
	for _, f := range figures {
		fmt.Fprintf(&b, "| %s | %s | %s, %s | %s |\n", f.name, f.show(f.of(r.before)), f.show(median(quarter(r.samples, 0), f.of)), f.show(median(quarter(r.samples, 3), f.of)), f.show(f.of(r.after)))
	}
	b.WriteString("\n| Traffic | Outcome | Count |\n|---|---|---|\n")
	for _, kind := range slices.Sorted(maps.Keys(r.tally)) {
		for _, o := range slices.Sorted(maps.Keys(r.tally[kind])) {
			fmt.Fprintf(&b, "| %s | %s | %d |\n", kind, o, r.tally[kind][o])
		}
	}
	fmt.Fprintf(&b, "\n%d faults were set; %d reloads by Caddy and %d changes within the process, the slowest %s.\n", r.faults, r.changes.reloads, r.changes.applies, r.changes.worst.Round(time.Millisecond))
	b.WriteString("\nAttempts of the gateway by what became of them:\n\n| Code | Attempts |\n|---|---|\n")
	codes := r.attempts()
	for _, code := range slices.SortedFunc(maps.Keys(codes), func(x, y string) int { return cmp.Compare(codes[y], codes[x]) }) {
		fmt.Fprintf(&b, "| %s | %.0f |\n", code, codes[code])
	}
	return b.String()
}

func mark(ok bool) string {
	if ok {
		return "met"
	}
	return "**not met**"
}

// attempts sums the gateway's counter of attempts by code.
func (r *report) attempts() map[string]float64 {
	out := map[string]float64{}
	for name, n := range r.counters {
		if _, rest, ok := strings.Cut(name, `attempts_total{`); ok {
			_, rest, _ = strings.Cut(rest, `code="`)
			code, _, _ := strings.Cut(rest, `"`)
			out[code] += n
		}
	}
	return out
}

// figure is something that was sampled.
type figure struct {
	name string
	of   func(sample) float64
	show func(float64) string
}

var figures = []figure{
	{"live heap", func(s sample) float64 { return s.heap }, mib},
	{"heap in use", func(s sample) float64 { return s.inUse }, mib},
	{"resident memory", func(s sample) float64 { return s.rss }, mib},
	{"goroutines", func(s sample) float64 { return s.goroutines }, whole},
	{"descriptors", func(s sample) float64 { return s.files }, whole},
	{"ledger queue", func(s sample) float64 { return s.queue }, whole},
	{"lasting streams", func(s sample) float64 { return s.lasting }, whole},
}

func whole(x float64) string { return fmt.Sprintf("%.0f", x) }

func quarter(all []sample, i int) []sample { return all[len(all)*i/4 : len(all)*(i+1)/4] }

func median(samples []sample, of func(sample) float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// save writes the report into dir under the time it began, and returns the path
// of the page.
func (r *report) save(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("saving the report: %w", err)
	}
	base := filepath.Join(dir, "soak-"+r.begun.UTC().Format("20060102-150405"))
	if err := os.WriteFile(base+".md", []byte(r.markdown()), 0o644); err != nil {
		return "", fmt.Errorf("saving the report: %w", err)
	}
	if err := os.WriteFile(base+".html", []byte(r.page()), 0o644); err != nil {
		return "", fmt.Errorf("saving the report: %w", err)
	}
	return base + ".html", nil
}

var _ harness.T = (*bench)(nil)

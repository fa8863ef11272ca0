package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aimux/aimux/e2e/harness"
)

// verdict is one thing that was checked.
type verdict struct {
	what, want, got string
	ok              bool
}

// line is a straight line through samples, by least squares.
type line struct {
	slope   float64 // per second
	error   float64 // the slope's standard error
	mean    float64
	seconds float64 // from the first sample to the last
}

// fit draws the line of a figure against the time.
func fit(samples []sample, figure func(sample) float64) line {
	n := float64(len(samples))
	if n < 3 {
		return line{error: math.Inf(1)}
	}
	var l line
	var meanT float64
	for _, s := range samples {
		meanT += s.at.Seconds() / n
		l.mean += figure(s) / n
	}
	var tt, ty float64
	for _, s := range samples {
		t := s.at.Seconds() - meanT
		tt += t * t
		ty += t * (figure(s) - l.mean)
	}
	l.slope = ty / tt
	var rest float64
	for _, s := range samples {
		d := figure(s) - l.mean - l.slope*(s.at.Seconds()-meanT)
		rest += d * d
	}
	l.error = math.Sqrt(rest / (n - 2) / tt)
	l.seconds = (samples[len(samples)-1].at - samples[0].at).Seconds()
	return l
}

// perHour is the slope, and twice its standard error, in per cent of the mean an
// hour.
func (l line) perHour() (slope, doubt float64) {
	return l.slope * 3600 / l.mean * 100, 2 * l.error * 3600 / l.mean * 100
}

// What may grow: target T14 allows two per cent an hour. Apart from that some
// memory fills up by design and then no more: who made the last 20 000 answers
// that a later request may refer to (3 MiB, after a quarter of an hour at 60
// requests a second), figures by the minute for an hour, the last decisions, and
// room for the next rows of the ledger (0.8 MiB). A leak of a hundred bytes a
// request is four times as much in an hour.
const (
	growthPerHour = 0.02
	fillsUp       = 5 << 20
)

// steady is the part of the samples after the beginning: caches are filled, all
// streams are open.
func steady(all []sample) []sample { return all[len(all)/4:] }

// heapVerdict wants a flat heap: not more growth than is allowed once the doubt
// of the measurement (two standard errors) is taken off.
func heapVerdict(all []sample) verdict {
	l := fit(steady(all), func(s sample) float64 { return s.heap })
	slope, doubt := l.perHour()
	grown, unsure := l.slope*l.seconds, 2*l.error*l.seconds
	allowed := l.mean*growthPerHour*l.seconds/3600 + fillsUp
	return verdict{
		what: "live heap under load", want: fmt.Sprintf("grows by no more than 2 %%/h and what fills up: %s", mib(allowed)),
		got: fmt.Sprintf("mean %s, %s ± %s in %s, which is %.1f ± %.1f %%/h", mib(l.mean), mib(grown), mib(unsure), round(l.seconds), slope, doubt),
		ok:  grown-unsure <= allowed,
	}
}

// verdicts are all checks of a soak.
func (r *report) verdicts() []verdict {
	lost, what := r.tally.lost()
	queue := 0.0
	for _, s := range r.samples {
		queue = max(queue, s.queue)
	}
	return append([]verdict{
		{"requests lost", "0", strings.Join(append([]string{fmt.Sprint(lost)}, what...), "; "), lost == 0},
		{"streams of half the soak that ended whole", "all", fmt.Sprint(r.tally[long]), len(r.tally[long]) == 1 && r.tally[long][harness.OK] > 0},
		{"changes of configuration that failed", "0", fmt.Sprintf("%d of %d %s", len(r.changes.errors), r.changes.reloads+r.changes.applies, strings.Join(r.changes.errors, "; ")), len(r.changes.errors) == 0},
		heapVerdict(r.samples),
		{"ledger queue", "below 1024, empty at the end", fmt.Sprintf("at most %.0f, %.0f at the end", queue, r.after.queue), queue < 1024 && r.after.queue == 0},
	}, r.atTheEnd()...)
}

// atTheEnd compares the idle gateway with itself before the soak.
func (r *report) atTheEnd() []verdict {
	before, after := r.before, r.after
	return []verdict{
		{"goroutines at the end", fmt.Sprintf("at most %.0f and %d", before.goroutines, slack), fmt.Sprintf("%.0f", after.goroutines), after.goroutines <= before.goroutines+slack},
		{"descriptors at the end", fmt.Sprintf("at most %.0f and %d", before.files, slack), fmt.Sprintf("%.0f", after.files), after.files <= before.files+slack},
		{"live heap at the end", fmt.Sprintf("at most %s and what fills up: %s", mib(before.heap), mib(fillsUp)), mib(after.heap), after.heap <= before.heap+fillsUp},
	}
}

// good reports whether all is well.
func (r *report) good() bool {
	for _, v := range r.verdicts() {
		if !v.ok {
			return false
		}
	}
	return true
}

// lost counts and lists what must not happen: anything but a whole answer or,
// for what a fault struck after its beginning, an error event.
func (t tally) lost() (count int, what []string) {
	for kind, outcomes := range t {
		for o, n := range outcomes {
			if o != harness.OK && (o != harness.EVT || kind != short) {
				count += n
				what = append(what, fmt.Sprintf("%d × %s: %s", n, kind, o))
			}
		}
	}
	return count, what
}

func mib(bytes float64) string { return fmt.Sprintf("%.2f MiB", bytes/(1<<20)) }

func round(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
}

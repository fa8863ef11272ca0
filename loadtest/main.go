// Command loadtest asks what aimux costs and answers with figures: the same requests go straight to a provider, through
// a handler of net/http alone, through a plain Caddy reverse_proxy and through aimux, in turn, several rounds in one call,
// so that what else the machine does falls on all of them. Some go through a small router on Node as well, where there is
// a node. The provider is the simulator of caddymodule/simulator in a process of its own; everything is on loopback,
// counted and bounded in time.
//
//	go run ./loadtest                          every scenario
//	go run ./loadtest -scenario json-1k,start  some of them
//	go run ./loadtest -list                    their names and questions
//	go run ./loadtest -short                   a short form for every change, below 90 seconds
//	go run ./loadtest -json r.json -markdown r.md -html r.html
//	go run ./loadtest -compare r.json          beside the figures of an earlier run
//	go run ./loadtest -against bin/before      beside another aimux, in turn
//	go run ./loadtest -profile dir             profiles of the gateway instead
//
// Each scenario is a question with thresholds, which are ratios and counts of errors so that a slow machine does not
// fail them; only a failover is held to a time, 100 ms. The exit code is 1 when one is broken or a scenario could not be
// measured, 2 when nothing could. Beside the thresholds stand the project's targets, which are reported and not enforced.
//
// CPU time and memory are read from the operating system (Linux) and are left out where it does not tell.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are what the command line says.
type settings struct {
	bin      string
	names    string
	json     string
	markdown string
	html     string
	compare  string
	against  string
	profiles string
	rounds   int
	scale    float64
	pin      bool
	list     bool
	short    bool
	role     string
	to       string
	ca       string
}

func main() {
	var s settings
	flag.StringVar(&s.bin, "bin", "", "the aimux to test (default bin/aimux-slim; built when that is missing)")
	flag.StringVar(&s.names, "scenario", "", "scenarios to run, separated by commas (default all)")
	flag.StringVar(&s.json, "json", "", "write the results to this file as JSON")
	flag.StringVar(&s.markdown, "markdown", "", "write the results to this file as Markdown")
	flag.StringVar(&s.html, "html", "", "write the results to this file as a page with plots")
	flag.StringVar(&s.compare, "compare", "", "show the ratios to the results in this file, written by -json")
	flag.StringVar(&s.against, "against", "", "another aimux, which takes its turns in every comparison of costs")
	flag.StringVar(&s.profiles, "profile", "", "write CPU and allocation profiles of the gateway to this directory instead of comparing costs")
	flag.IntVar(&s.rounds, "rounds", 5, "how often each measurement is repeated; the medians count")
	flag.Float64Var(&s.scale, "scale", 1, "multiplies the number of requests")
	flag.BoolVar(&s.pin, "pin", runtime.NumCPU() > 1, "give the tested process a processor of its own (Linux)")
	flag.BoolVar(&s.list, "list", false, "list the scenarios and end")
	flag.BoolVar(&s.short, "short", false, "some scenarios with few requests and generous thresholds, below 90 seconds")
	flag.StringVar(&s.role, "role", "", "be the provider or a forwarder (used by loadtest itself)")
	flag.StringVar(&s.to, "to", "", "where the forwarder sends requests")
	flag.StringVar(&s.ca, "ca", "", "file of certificates that the forwarder trusts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, s, os.Stdout, os.Stderr))
}

// run does what s says and returns the exit code: 1 for a broken threshold, 2 when it could not be measured.
func run(ctx context.Context, s settings, out, progress io.Writer) int {
	if s.role != "" {
		return exit(serveRole(s, os.Stdin, out), progress)
	}
	if s.short {
		s.shorten()
	}
	chosen, err := choose(s.names)
	if err != nil {
		return exit(err, progress)
	}
	if s.list {
		for _, sc := range chosen {
			fmt.Fprintf(out, "%-17s %s\n", sc.name, sc.question)
		}
		return 0
	}
	before := new(Report)
	if s.compare != "" {
		if before, err = readReport(s.compare); err != nil {
			return exit(err, progress)
		}
	}
	report, err := measure(ctx, s, chosen, progress)
	if err != nil {
		return exit(err, progress)
	}
	report.Changes = changes(report, before)
	if err := publish(report, s, out); err != nil {
		return exit(err, progress)
	}
	if report.Broken() > 0 {
		return 1
	}
	return 0
}

func exit(err error, progress io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(progress, "loadtest:", err)
	return 2
}

// measure runs the chosen scenarios one after the other.
func measure(ctx context.Context, s settings, chosen []scenario, progress io.Writer) (*Report, error) {
	if s.rounds < 1 || s.scale <= 0 {
		return nil, errors.New("-rounds and -scale must be above zero")
	}
	r, err := newRig(ctx, s, progress)
	if err != nil {
		return nil, err
	}
	defer r.close()
	report := &Report{
		Time: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPUs: runtime.NumCPU(), Rounds: s.rounds, Scale: s.scale, Pinned: s.pin, LoadBefore: loadAverage(),
	}
	for i, sc := range chosen {
		r.say("%d of %d: %s", i+1, len(chosen), sc.name)
		began := time.Now()
		r.scenario = sc.name
		result, err := sc.run(ctx, r)
		if err := context.Cause(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", sc.name, err)
		}
		if err != nil { // the other scenarios may still say something
			r.say("  %v", err)
			result = &Result{Checks: []Check{{What: "could not be measured", Value: 1}}, Notes: []string{err.Error()}}
		}
		if s.short {
			result.loosen()
		}
		result.Name, result.Question, result.Seconds = sc.name, sc.question, time.Since(began).Seconds()
		report.Scenarios = append(report.Scenarios, *result)
	}
	report.LoadAfter = loadAverage()
	return report, nil
}

// publish prints the report and writes the files that were asked for.
func publish(report *Report, s settings, out io.Writer) error {
	report.WriteText(out)
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{{s.json, report.WriteJSON}, {s.markdown, report.WriteMarkdown}, {s.html, report.WriteHTML}} {
		if f.path == "" {
			continue
		}
		if err := writeFile(f.path, f.write); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// choose returns the scenarios with the given names, all for none.
func choose(names string) ([]scenario, error) {
	all := scenarios()
	if names == "" {
		return all, nil
	}
	var chosen []scenario
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no scenario %q; -list shows those there are", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

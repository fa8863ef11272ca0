package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// side is one of the two that are compared: a checkout and its test programs.
type side struct {
	name string
	root string // the checkout
	work string // directory of its own for programs and results
	pkgs []pkg

	older bool // the earlier commit: what it lacks is left out
}

// pkg is a package with benchmarks.
type pkg struct {
	path    string // import path
	dir     string
	program string // the built tests
}

// results is the file the benchmarks' output goes to.
func (d *side) results() string { return filepath.Join(d.work, "results.txt") }

// build compiles the tests of every package that has a benchmark to run.
func (d *side) build(ctx context.Context, s settings) error {
	if err := os.MkdirAll(d.work, 0o700); err != nil {
		return err
	}
	all, err := list(ctx, d.root, s.pkgs)
	if err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	first, _, _ := strings.Cut(s.bench, "/")
	wanted, err := regexp.Compile(first)
	if err != nil {
		return fmt.Errorf("-bench: %w", err)
	}
	for _, one := range all {
		if !one.matches(wanted) {
			continue
		}
		p := pkg{path: one.path, dir: one.dir, program: filepath.Join(d.work, fmt.Sprintf("%d.test", len(d.pkgs)))}
		say("building %s: %s", d.name, p.path)
		if _, err := output(ctx, d.root, "go", "test", "-c", "-o", p.program, p.path); err != nil {
			if d.older && ctx.Err() == nil {
				say("%s: %v", d.name, err)
				continue
			}
			return err
		}
		d.pkgs = append(d.pkgs, p)
	}
	return nil
}

// found returns the side's package of that path.
func (d *side) found(path string) (pkg, bool) {
	for _, p := range d.pkgs {
		if p.path == path {
			return p, true
		}
	}
	return pkg{}, false
}

// listed is a package and its files of tests.
type listed struct {
	path, dir string
	tests     []string
}

// list names the packages that match the patterns; a pattern that matches none
// in an older commit is no error.
func list(ctx context.Context, root string, patterns []string) ([]listed, error) {
	const format = `{{.ImportPath}}|{{.Dir}}|{{range .TestGoFiles}}{{.}} {{end}}{{range .XTestGoFiles}}{{.}} {{end}}`
	out, err := output(ctx, root, "go", append([]string{"list", "-e", "-f", format}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var all []listed
	for line := range strings.Lines(out) {
		fields := strings.SplitN(strings.TrimSpace(line), "|", 3)
		if len(fields) == 3 && fields[2] != "" {
			all = append(all, listed{fields[0], fields[1], strings.Fields(fields[2])})
		}
	}
	return all, nil
}

var declaration = regexp.MustCompile(`(?m)^func (Benchmark\w*)\(`)

// matches says that one of the package's benchmarks is wanted, by its source:
// building the tests of packages without any would take most of the time.
func (l listed) matches(wanted *regexp.Regexp) bool {
	for _, file := range l.tests {
		source, err := os.ReadFile(filepath.Join(l.dir, file))
		if err != nil {
			continue
		}
		for _, m := range declaration.FindAllSubmatch(source, -1) {
			if wanted.Match(m[1]) {
				return true
			}
		}
	}
	return false
}

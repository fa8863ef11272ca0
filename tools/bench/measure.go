package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// longest is how long the benchmarks of one package may take in one round.
const longest = 5 * time.Minute

// measure runs the rounds. In every other one the sides change places.
func (s settings) measure(ctx context.Context, sides []*side) error {
	paths := together(sides)
	if len(paths) == 0 {
		return errors.New("no benchmark matches")
	}
	began := time.Now()
	for round := range s.count {
		if time.Since(began) > s.limit {
			say("%s are over after %d of %d rounds", s.limit, round, s.count)
			return nil
		}
		for i, path := range paths {
			say("round %d of %d, %d of %d: %s", round+1, s.count, i+1, len(paths), path)
			order := slices.Clone(sides)
			if round%2 == 1 {
				slices.Reverse(order)
			}
			for _, one := range order {
				if err := one.bench(ctx, s, path); err != nil && !one.forgiven(ctx) {
					return fmt.Errorf("%s, %s: %w", one.name, path, err)
				} else if err != nil {
					say("%s, %s: %v", one.name, path, err)
				}
			}
		}
	}
	return nil
}

// forgiven says that a failure need not end the run: what was wrong in an older
// commit cannot be mended there.
func (d *side) forgiven(ctx context.Context) bool { return d.older && ctx.Err() == nil }

// together returns the packages of all sides.
func together(sides []*side) []string {
	var paths []string
	for _, one := range sides {
		for _, p := range one.pkgs {
			paths = append(paths, p.path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// bench runs a package's benchmarks once and keeps what they print. A side that
// has no such package has nothing to run.
func (d *side) bench(ctx context.Context, s settings, path string) error {
	p, ok := d.found(path)
	if !ok {
		return nil
	}
	results, err := os.OpenFile(d.results(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer results.Close()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.program, "-test.run=^$", "-test.bench="+s.bench, "-test.benchmem", "-test.benchtime="+s.time)
	cmd.Dir = p.dir
	var failed strings.Builder
	cmd.Stdout, cmd.Stderr = io.MultiWriter(results, &failed), &failed
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, failed.String())
	}
	return nil
}

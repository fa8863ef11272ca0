// Command bench runs the micro-benchmarks of the working copy and of an earlier
// commit, in turn, and has benchstat compare them.
//
//	cd tools && go run ./bench [-base commit] [-bench regexp] [-count 6] .. ./caddymodule/internal/sse ...
//
// The earlier commit is the last tag unless -base names another; where there is
// neither, only the working copy is measured. It is checked out as a worktree in
// a temporary directory, which goes away however the command ends. Test programs
// are built once; then base and working copy take turns, package by package and
// round by round, so that what else the machine does falls on both. After -limit
// no further round begins and the table is of what there is.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// settings are what the command line says.
type settings struct {
	base  string
	bench string
	time  string        // of each benchmark, as -test.benchtime has it
	count int           // rounds
	limit time.Duration // for all of them
	root  string
	pkgs  []string // patterns
	out   io.Writer
}

func main() {
	s := settings{out: os.Stdout}
	flag.StringVar(&s.base, "base", "", "commit to compare with (default: the last tag)")
	flag.StringVar(&s.bench, "bench", ".", "benchmarks to run, a regular expression as go test -bench takes it")
	flag.StringVar(&s.time, "time", "100ms", "how long each benchmark runs in a round, or how often (100x)")
	flag.IntVar(&s.count, "count", 6, "rounds; benchstat wants six to be sure of a difference")
	flag.DurationVar(&s.limit, "limit", 30*time.Minute, "begin no further round after this time")
	flag.Parse()
	if s.root = flag.Arg(0); s.root == "" || flag.NArg() < 2 || s.count < 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [flags] repository package...")
		os.Exit(2)
	}
	s.pkgs = flag.Args()[1:]
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures and prints the table.
func (s settings) run(ctx context.Context) error {
	if _, err := regexp.Compile(s.bench); err != nil {
		return fmt.Errorf("-bench: %w", err)
	}
	root, err := filepath.Abs(s.root)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "aimux-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	sides := []*side{{name: "now", root: root}}
	commit, err := s.commit(ctx, root)
	if err != nil {
		return err
	}
	if commit == "" {
		say("there is no tag to compare with, and BASE names no commit: the working copy alone")
	} else {
		tree := filepath.Join(work, "tree")
		if err := addTree(ctx, root, tree, commit); err != nil {
			return err
		}
		defer removeTree(root, tree)
		sides = []*side{{name: "base", root: tree, older: true}, sides[0]}
	}
	for _, one := range sides {
		one.work = filepath.Join(work, one.name)
		if err := one.build(ctx, s); err != nil {
			return err
		}
	}
	if err := s.measure(ctx, sides); err != nil {
		return err
	}
	return s.table(ctx, sides)
}

// table has benchstat compare what the sides wrote.
func (s settings) table(ctx context.Context, sides []*side) error {
	// Bytes a second say the same as the time for them.
	args := []string{"tool", "benchstat", "-filter", ".unit:(ns/op OR sec/op OR B/op OR allocs/op)"}
	for _, one := range sides {
		if exists(one.results()) {
			args = append(args, one.name+"="+one.results())
		}
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stdout, cmd.Stderr = s.out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchstat: %w", err)
	}
	return nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// output runs a program in a directory and returns what it prints, without the last line break.
func output(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", program, args[0], err, said.String())
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

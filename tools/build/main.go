// Command build makes Caddy with aimux in it, by xcaddy, as a manifest says.
//
// The manifest (xcaddy.json) is an xcaddy.Builder as JSON. Relative paths of
// replacements and of the compiler's profile (pgo_profile) are taken from where
// the manifest is, so that the working copy is built without looking the module
// up. While the compiler works, its progress is counted: the first build of Caddy
// takes minutes.
//
//	cd tools && go run ./build -o ../bin/aimux [-race] ../xcaddy.json
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/xcaddy"
)

func main() {
	output := flag.String("o", "bin/aimux", "where to put the binary")
	race := flag.Bool("race", false, "build with the race detector")
	flag.Parse()
	manifest := "xcaddy.json"
	if flag.NArg() > 0 {
		manifest = flag.Arg(0)
	}
	if err := run(manifest, *output, *race); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(manifest, output string, race bool) error {
	builder, err := read(manifest)
	if err != nil {
		return err
	}
	builder.RaceDetector = race
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	start := time.Now()
	console := os.Stderr
	fmt.Fprintf(console, "building %s: Caddy %s with aimux (the first build takes a few minutes)\n", output, builder.CaddyVersion)
	finish, err := watch(console)
	if err != nil {
		return err
	}
	err = builder.Build(context.Background(), output)
	if lines := finish(); err != nil {
		for _, line := range lines {
			fmt.Fprintln(console, line)
		}
		return err
	}
	fmt.Fprintf(console, "built %s in %s\n", output, time.Since(start).Round(time.Second))
	return nil
}

// read reads a manifest and makes its local paths absolute.
func read(manifest string) (*xcaddy.Builder, error) {
	data, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	var b xcaddy.Builder
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("%s: %w", manifest, err)
	}
	beside := filepath.Dir(manifest)
	for i, r := range b.Replacements {
		if !strings.HasPrefix(string(r.New), ".") {
			continue
		}
		abs, err := filepath.Abs(filepath.Join(beside, string(r.New)))
		if err != nil {
			return nil, err
		}
		b.Replacements[i].New = xcaddy.ReplacementPath(abs)
	}
	b.PgoProfile, err = profile(beside, b.PgoProfile)
	return &b, err
}

// profile returns where the profile for the compiler is, "" for none: the
// go command, too, takes a program's default.pgo as there or not.
func profile(beside, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(beside, name)
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "note: there is no %s; building without a profile (make pgo writes one)\n", name)
		return "", nil
	}
	return filepath.Abs(name)
}

// keptLines is how much of the output is shown when a build fails.
const keptLines = 60

// watch takes over what xcaddy and the go command print, and shows how far they
// are. finish gives the console back and returns the last lines.
func watch(console *os.File) (finish func() []string, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w // xcaddy hands these to the commands it runs
	log.SetOutput(w)
	lines := make(chan []string, 1)
	go func() { lines <- show(r, console) }()
	return func() []string {
		w.Close()
		os.Stdout, os.Stderr = stdout, stderr
		log.SetOutput(stderr)
		return <-lines
	}, nil
}

// show counts compiled packages and names xcaddy's steps.
func show(r io.Reader, console io.Writer) (last []string) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	compiled := 0
	for scanner.Scan() {
		line := scanner.Text()
		if last = append(last, line); len(last) > keptLines {
			last = last[1:]
		}
		switch step, ok := after(line, "[INFO] "); {
		case ok && !strings.HasPrefix(step, "Writing") && !strings.HasPrefix(step, "exec"):
			fmt.Fprintln(console, "  "+step)
		case isPackage(line):
			if compiled++; compiled%50 == 0 {
				fmt.Fprintf(console, "  %d packages compiled\n", compiled)
			}
		}
	}
	return last
}

func after(line, mark string) (string, bool) {
	_, rest, ok := strings.Cut(line, mark)
	return rest, ok
}

// isPackage recognises what `go build -v` prints for each package it compiles.
func isPackage(line string) bool {
	return line != "" && !strings.ContainsAny(line, " \t:{}()") && !strings.HasPrefix(line, "import")
}

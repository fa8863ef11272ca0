// Command release builds what a release consists of: for each platform an
// archive with the slim binary and its deployment files, a list of checksums,
// and a bill of materials (SPDX 2.3, JSON) read out of the binary itself.
//
//	cd tools && go run ./release -o ../dist [-targets linux/amd64,darwin/arm64] ..
//
// Builds are reproducible: paths are trimmed, nothing of the machine or the
// clock goes in, and archives carry the time of the commit. -twice builds every
// binary a second time in another directory and fails if a byte differs.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// allTargets are the platforms aimux is released for.
var allTargets = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// release is one run.
type release struct {
	source, output string
	version        string
	time           time.Time // of the commit
	twice          bool
	sums           []string
}

func main() {
	output := flag.String("o", "dist", "directory for the archives")
	targets := flag.String("targets", strings.Join(allTargets, ","), "platforms, as os/arch, separated by commas")
	version := flag.String("version", "", "version in the names (default: by git describe)")
	twice := flag.Bool("twice", false, "build everything twice and compare")
	flag.Parse()
	source := "."
	if flag.NArg() > 0 {
		source = flag.Arg(0)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r := &release{source: source, output: *output, version: *version, twice: *twice}
	if err := r.run(ctx, strings.Split(*targets, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func (r *release) run(ctx context.Context, targets []string) error {
	for _, t := range targets {
		if !slices.Contains(allTargets, t) {
			return fmt.Errorf("no target %q (there are %s)", t, strings.Join(allTargets, ", "))
		}
	}
	if err := r.stamp(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(r.output, 0o755); err != nil {
		return err
	}
	for i, target := range targets {
		fmt.Fprintf(os.Stderr, "[%d/%d] aimux %s for %s\n", i+1, len(targets), r.version, target)
		if err := r.target(ctx, target); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
	}
	slices.Sort(r.sums)
	sums := filepath.Join(r.output, "aimux_"+r.version+"_checksums.txt")
	return os.WriteFile(sums, []byte(strings.Join(r.sums, "\n")+"\n"), 0o644)
}

// stamp finds the version and the time of what is released.
func (r *release) stamp(ctx context.Context) error {
	if r.version == "" {
		out, err := r.git(ctx, "describe", "--tags", "--always", "--dirty", "--match", "v*")
		if err != nil {
			return err
		}
		r.version = strings.TrimPrefix(out, "v")
	}
	out, err := r.git(ctx, "log", "-1", "--format=%ct")
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(out, 10, 64)
	r.time = time.Unix(seconds, 0).UTC()
	return err
}

func (r *release) git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", r.source}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// target builds and packs one platform.
func (r *release) target(ctx context.Context, target string) error {
	system, arch, _ := strings.Cut(target, "/")
	work, err := os.MkdirTemp("", "aimux-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	binary := filepath.Join(work, "aimux")
	if system == "windows" {
		binary += ".exe"
	}
	if err := r.build(ctx, system, arch, r.source, binary); err != nil {
		return err
	}
	if r.twice {
		if err := r.compare(ctx, system, arch, work, binary); err != nil {
			return err
		}
	}
	name := fmt.Sprintf("aimux_%s_%s_%s", r.version, system, arch)
	bill, err := billOfMaterials(binary, name, r.time)
	if err != nil {
		return err
	}
	if err := r.write(name+".spdx.json", bill); err != nil {
		return err
	}
	archive, extension, err := pack(r.source, binary, name, r.time)
	if err != nil {
		return err
	}
	return r.write(name+extension, archive)
}

// write puts a file into the output and notes its sum.
func (r *release) write(name string, data []byte) error {
	sum := sha256.Sum256(data)
	r.sums = append(r.sums, hex.EncodeToString(sum[:])+"  "+name)
	return os.WriteFile(filepath.Join(r.output, name), data, 0o644)
}

func (r *release) build(ctx context.Context, system, arch, source, output string) error {
	absolute, err := filepath.Abs(output)
	if err != nil {
		return err
	}
	// -pgo=auto takes the profile beside the program, whose name and none of the directories go in.
	args := []string{"build", "-trimpath", "-buildvcs=false", "-pgo=auto", "-ldflags", "-s -w -buildid=", "-tags", "nobadger,nomysql,nopgx"}
	cmd := exec.CommandContext(ctx, "go", append(args, "-o", absolute, "./caddymodule/cmd/aimux")...)
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch, "GOFLAGS=", "GOAMD64=v1")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, said.Bytes())
	}
	return nil
}

// compare builds once more, from a copy of the source elsewhere.
func (r *release) compare(ctx context.Context, system, arch, work, binary string) error {
	elsewhere := filepath.Join(work, "elsewhere", "source")
	if out, err := exec.CommandContext(ctx, "git", "clone", "-q", "--local", r.source, elsewhere).CombinedOutput(); err != nil {
		return fmt.Errorf("cloning: %w\n%s", err, out)
	}
	second := filepath.Join(work, "second")
	if err := r.build(ctx, system, arch, elsewhere, second); err != nil {
		return err
	}
	a, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(second)
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return errors.New("two builds differ: is everything committed?")
	}
	fmt.Fprintf(os.Stderr, "  built twice, %d bytes, not one differs\n", len(a))
	return nil
}

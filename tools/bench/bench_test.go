package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// repository is a module under git whose benchmark is in two commits, the first of them tagged.
func repository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		if _, err := output(t.Context(), root, "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	write("go.mod", "module example.org/m\n\ngo 1.26\n")
	write("a_test.go", "package a\n\nimport \"testing\"\n\nfunc BenchmarkOld(b *testing.B) {\n\tfor b.Loop() {\n\t}\n}\n")
	git("add", ".")
	git("commit", "-qm", "one")
	git("tag", "v1.0.0")
	write("b_test.go", "package a\n\nimport \"testing\"\n\nfunc BenchmarkNew(b *testing.B) {\n\tfor b.Loop() {\n\t}\n}\n")
	git("add", ".")
	git("commit", "-qm", "two")
	return root
}

func usual(root string, out *strings.Builder) settings {
	return settings{bench: ".", time: "10x", count: 2, limit: time.Minute, root: root, pkgs: []string{"./..."}, out: out}
}

func leavesNothing(t *testing.T, root string) {
	t.Helper()
	trees, err := output(t.Context(), root, "git", "worktree", "list", "--porcelain")
	if err != nil || strings.Count(trees, "worktree ") != 1 {
		t.Errorf("worktrees: %s, %v", trees, err)
	}
	if changed, err := output(t.Context(), root, "git", "status", "--porcelain"); err != nil || changed != "" {
		t.Errorf("left in the repository: %s, %v", changed, err)
	}
}

func TestRun_ComparesWithTheLastTag(t *testing.T) {
	root := repository(t)
	var out strings.Builder
	if err := usual(root, &out).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"base", "now", "Old", "New", "allocs/op"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	leavesNothing(t, root)
}

func TestRun_MeasuresTheWorkingCopyAloneWithoutATag(t *testing.T) {
	root := repository(t)
	if _, err := output(t.Context(), root, "git", "tag", "-d", "v1.0.0"); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	s := usual(root, &out)
	s.bench = "New"
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "base") || strings.Contains(text, "Old") || !strings.Contains(text, "New") {
		t.Errorf("it says\n%s", text)
	}
}

func TestRun_LeavesNothingWhenItFails(t *testing.T) {
	root := repository(t)
	for name, change := range map[string]func(*settings){
		"no such commit":    func(s *settings) { s.base = "nosuch" },
		"no benchmark":      func(s *settings) { s.bench = "Nosuch" },
		"no expression":     func(s *settings) { s.bench = "(" },
		"an option as base": func(s *settings) { s.base = "--help" },
	} {
		s := usual(root, new(strings.Builder))
		change(&s)
		if err := s.run(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	leavesNothing(t, root)
}

func TestRun_LeavesNothingWhenItIsInterrupted(t *testing.T) {
	root := repository(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	s := usual(root, new(strings.Builder))
	s.time, s.count = "1s", 20
	if err := s.run(ctx); err == nil {
		t.Error("an interrupted run ends well")
	}
	leavesNothing(t, root)
}

func TestMeasure_BeginsNoRoundAfterTheLimit(t *testing.T) {
	root := repository(t)
	var out strings.Builder
	s := usual(root, &out)
	s.count, s.limit = 1000, time.Second
	began := time.Now()
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 20*time.Second || !strings.Contains(out.String(), "Old") {
		t.Errorf("%s:\n%s", took, &out)
	}
}

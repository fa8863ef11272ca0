package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func example() *Report {
	return &Report{
		Time: time.Date(2026, 11, 21, 23, 55, 0, 0, time.UTC), Go: "go1.26.8", OS: "linux", Arch: "amd64", CPUs: 2, Pinned: true,
		Rounds: 5, Scale: 1, LoadBefore: 0.5, LoadAfter: 1.25,
		Scenarios: []Result{{
			Name: "json-1k", Question: "What does it cost?", Seconds: 12,
			Rows: []Row{
				{Load: "32 at once", Path: "direct", Requests: 100, PerSecond: 12345, P50: 0.5, P99: 1},
				{Load: "32 at once", Path: "aimux", Requests: 100, Errors: 2, PerSecond: 5000, P50: 1.25, P99: 3, Added50: 0.75, Added99: 2, CPU: 0.104, RSS: 61.2},
			},
			Checks: []Check{
				{What: "errors", Value: 2},
				{What: "CPU aimux / reverse_proxy", Value: 0.9, Bound: 3, Target: 0.75},
				{What: "CPU, streams", Bound: 3, Unknown: true},
				{What: "added p50", Value: 0.4, Bound: 100, Target: 0.5, Unit: " ms"},
			},
			Notes: []string{"32 at once, aimux: 2 errors, such as: 502 Bad Gateway"},
		}},
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestReport_IsWrittenInThreeForms(t *testing.T) {
	var text, page, data bytes.Buffer
	r := example()
	r.WriteText(&text)
	if err := r.WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteJSON(&data); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", text.Bytes())
	golden(t, "report.md", page.Bytes())
	golden(t, "report.json", data.Bytes())
	var back Report
	if err := json.Unmarshal(data.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, &back); diff != "" {
		t.Errorf("after reading the JSON again, -want +got:\n%s", diff)
	}
}

func TestCheck_Verdicts(t *testing.T) {
	for _, test := range []struct {
		name   string
		check  Check
		want   string
		broken bool
	}{
		{"within both", Check{Value: 0.5, Bound: 3, Target: 0.75}, "ok", false},
		{"at the threshold", Check{Value: 3, Bound: 3}, "ok", false},
		{"beyond the target", Check{Value: 1, Bound: 3, Target: 0.75}, "ok, short of the target", false},
		{"beyond the threshold", Check{Value: 3.1, Bound: 3, Target: 0.75}, "BROKEN", true},
		{"an absolute figure beyond its target", aimCheck("idle", 60, 50, " MB"), "short of the target", false},
		{"an absolute figure within", aimCheck("idle", 40, 50, " MB"), "ok", false},
		{"one error", Check{Value: 1}, "BROKEN", true},
		{"no ratio", ratioCheck("CPU", 0, 3, 1), "not measured here", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.check.Verdict(); got != test.want || test.check.Broken() != test.broken {
				t.Errorf("got %q, broken %t", got, test.check.Broken())
			}
		})
	}
}

func TestShort_HasKnownScenariosAndGenerousThresholds(t *testing.T) {
	s := settings{rounds: 5, scale: 1}
	s.shorten()
	chosen, err := choose(s.names)
	if err != nil || len(chosen) < 5 || s.rounds > 2 || s.scale > 0.2 {
		t.Errorf("%d scenarios, %d rounds, scale %v, %v", len(chosen), s.rounds, s.scale, err)
	}
	r := &Result{Checks: []Check{{What: "errors"}, {What: "CPU", Bound: 3}, {What: "added", Bound: 100, Unit: " ms"}}}
	r.loosen()
	for i, want := range []float64{0, 6, 100} {
		if got := r.Checks[i].Bound; got != want {
			t.Errorf("%s: at most %v instead of %v", r.Checks[i].What, got, want)
		}
	}
	if late := r.Checks[2]; !late.Aim || r.Checks[1].Aim {
		t.Errorf("%+v", r.Checks)
	}
	if late := (Check{Value: 300, Bound: 100, Unit: " ms", Aim: true}); late.Broken() {
		t.Error("a pause of the machine breaks the short form")
	}
}

func TestChoose_FindsScenariosByName(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) != len(scenarios()) {
		t.Errorf("%d of %d scenarios, %v", len(all), len(scenarios()), err)
	}
	some, err := choose("start, json-1k")
	if err != nil || len(some) != 2 || some[0].name != "start" || some[1].name != "json-1k" {
		t.Errorf("%v, %v", some, err)
	}
	if _, err := choose("json-1k,nosuch"); err == nil {
		t.Error("an unknown name is taken")
	}
}

func TestRun_SaysWhatItCannotDo(t *testing.T) {
	for _, test := range []struct {
		name string
		s    settings
		want string
	}{
		{"unknown scenario", settings{names: "nosuch", rounds: 1, scale: 1}, "-list"},
		{"nothing to compare with", settings{compare: filepath.Join(t.TempDir(), "nosuch"), rounds: 1, scale: 1}, "compare with"},
		{"no rounds", settings{scale: 1}, "-rounds"},
		{"no binary", settings{bin: filepath.Join(t.TempDir(), "nosuch"), rounds: 1, scale: 1}, "program to test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, progress bytes.Buffer
			if code := run(t.Context(), test.s, &out, &progress); code != 2 || !strings.Contains(progress.String(), test.want) {
				t.Errorf("exit code %d, said %q", code, &progress)
			}
		})
	}
}

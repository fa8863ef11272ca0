package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChanges_PutsFiguresBesideEarlierOnes(t *testing.T) {
	before, now := example(), example()
	now.Scenarios[0].Rows[1].CPU = 0.052
	now.Scenarios[0].Checks[1].Value = 0.45
	now.Scenarios[0].Rows = append(now.Scenarios[0].Rows, Row{Load: "a new one", Path: "aimux", CPU: 1})
	want := []Change{
		{"json-1k: errors", 2, 2},
		{"json-1k: CPU aimux / reverse_proxy", 0.9, 0.45},
		{"json-1k: added p50", 0.4, 0.4},
		{"json-1k: 32 at once, aimux, CPU s/1000", 0.104, 0.052},
		{"json-1k: 32 at once, aimux, p50 ms", 1.25, 1.25},
	}
	got := changes(now, before)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !about(got[3].Ratio(), 0.5) {
		t.Errorf("ratio %v", got[3].Ratio())
	}
	now.Changes = got
	var text, page bytes.Buffer
	now.WriteText(&text)
	if err := now.WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{text.String(), page.String()} {
		if !strings.Contains(out, "against the results before") || !strings.Contains(out, "0.50") {
			t.Errorf("the changes are missing in:\n%s", out)
		}
	}
}

func TestReadReport_SaysWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "r.json")
	if err := writeFile(file, example().WriteJSON); err != nil {
		t.Fatal(err)
	}
	if r, err := readReport(file); err != nil || len(r.Scenarios) != 1 {
		t.Errorf("%v, %v", r, err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(dir, "nosuch")} {
		if _, err := readReport(path); err == nil || !strings.Contains(err.Error(), "to compare with") {
			t.Errorf("%v", err)
		}
	}
}

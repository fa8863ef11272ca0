package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets this test program be the provider and the forwarder too, as loadtest itself is.
func TestMain(m *testing.M) {
	if i := slices.Index(os.Args, "-role"); i > 0 {
		s := settings{role: os.Args[i+1]}
		for name, to := range map[string]*string{"-to": &s.to, "-ca": &s.ca} {
			if at := slices.Index(os.Args, name); at > 0 {
				*to = os.Args[at+1]
			}
		}
		os.Exit(exit(serveRole(s, os.Stdin, os.Stdout), os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

func TestRun_MeasuresABuiltAimux(t *testing.T) {
	bin := os.Getenv("AIMUX_BIN")
	if bin == "" || testing.Short() {
		t.Skip("AIMUX_BIN does not name an aimux")
	}
	file := filepath.Join(t.TempDir(), "report.json")
	var out, progress bytes.Buffer
	s := settings{bin: bin, names: "json-1k,stream-50,translate,translate-back,responses-chat,responses-messages,secure,many-keys,rotation,failover,failover-reset", rounds: 1, scale: 0.02, json: file}
	if code := run(t.Context(), s, &out, &progress); code > 1 {
		t.Fatalf("exit code %d:\n%s", code, &progress)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report Report
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	for _, scenario := range report.Scenarios {
		for _, row := range scenario.Rows {
			if row.Requests == 0 || row.Errors > 0 || row.P50 <= 0 {
				t.Errorf("%s: %s\n%s", scenario.Name, fmt.Sprintf("%+v", row), scenario.Notes)
			}
		}
	}
	if len(report.Scenarios) != 11 {
		t.Errorf("%d scenarios", len(report.Scenarios))
	}
}

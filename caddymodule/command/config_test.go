package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// config runs `aimux config …` and returns what it printed.
func config(t *testing.T, args ...string) (string, error) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	var cmd cobra.Command
	configCommand(&cmd)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceErrors = true // the tests look at what is printed beside the error
	err := cmd.Execute()
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colour in a pipe")
	}
	return out.String(), err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const fine = "version: 1\n# the plan\nproviders[1:]{kind,tier}:\n  zai: zai,2\nkeys[1]{provider,secret}:\n  zai,\"env:AIMUX_TEST_KEY\"\n"

func TestConfigCheck_ReportsEveryProblemAndFails(t *testing.T) {
	out, err := config(t, "check", write(t, "bad.yaml", "version: 1\nproviders:\n  zai: {tier: x, kind: zia}\n"))
	if !errors.Is(err, errReported) || !strings.Contains(out, "bad.yaml:3:15: /providers/zai/tier") || !strings.Contains(out, `did you mean "zai"`) {
		t.Errorf("%v: %s", err, out)
	}
	t.Setenv("AIMUX_TEST_KEY", "x")
	if out, err := config(t, "check", write(t, "good.toon", fine)); err != nil || !strings.HasPrefix(out, "ok ") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestConfigCheck_PrintsJSON(t *testing.T) {
	out, err := config(t, "check", "--json", write(t, "bad.json", `{"version":1,"nope":true}`))
	var report struct {
		OK       bool
		Problems []struct{ Pointer string }
	}
	if jsonErr := json.Unmarshal([]byte(out), &report); jsonErr != nil || err == nil || report.OK || len(report.Problems) != 1 || report.Problems[0].Pointer != "/nope" {
		t.Errorf("%v, %v: %s", err, jsonErr, out)
	}
}

func TestConfigShow_NamesTheLayerOfEachValue(t *testing.T) {
	t.Setenv("AIMUX_TEST_KEY", "canary")
	t.Setenv("AIMUX_PROVIDERS__ZAI__TIER", "5")
	out, err := config(t, "show", "--effective", write(t, "c.toon", fine))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"/providers/zai/tier", "env AIMUX_PROVIDERS__ZAI__TIER", "env:AIMUX_TEST_KEY", "default"} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is missing in:\n%s", line, out)
		}
	}
	if strings.Contains(out, "canary") {
		t.Error("a secret is shown")
	}
}

func TestConfigConvert_KeepsValuesAndComments(t *testing.T) {
	file := write(t, "c.toon", fine)
	if out, err := config(t, "convert", file, "--to", "json"); err != nil || !json.Valid([]byte(out)) || !strings.Contains(out, `"tier": 2`) {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := config(t, "convert", file, "--to", "toon"); err != nil || !strings.Contains(out, "# the plan") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := config(t, "convert", file, "--to", "xml"); err == nil || !strings.Contains(err.Error(), "[toon json yaml]") {
		t.Errorf("an unknown format: %v", err)
	}
}

func TestConfigFmt_RepairsCountsAndKeepsWhatWas(t *testing.T) {
	file := write(t, "c.toon", strings.Replace(fine, "keys[1]", "keys[3]", 1))
	if out, err := config(t, "fmt", file); err != nil || !strings.Contains(out, "formatted") {
		t.Fatalf("%v: %s", err, out)
	}
	data, _ := os.ReadFile(file)
	former, _ := os.ReadFile(file + "~")
	if !strings.Contains(string(data), "keys[1]") || !strings.Contains(string(data), "# the plan") || !strings.Contains(string(former), "keys[3]") {
		t.Errorf("now %s, before %s", data, former)
	}
	if out, err := config(t, "fmt", file); err != nil || out != "" {
		t.Errorf("a tidy file: %v: %s", err, out)
	}
}

func TestConfigSchema_IsTheSchema(t *testing.T) {
	if out, err := config(t, "schema"); err != nil || !json.Valid([]byte(out)) || !strings.Contains(out, "2020-12") {
		t.Errorf("%v: %.200s", err, out)
	}
}

func TestConfig_WithoutAFileSaysWhatToName(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := config(t, "check"); err == nil || !strings.Contains(err.Error(), "aimux.toon") {
		t.Errorf("got %v", err)
	}
}

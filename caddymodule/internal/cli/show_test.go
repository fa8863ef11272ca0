package cli

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// TestShow_PrintsWhatTheAPISays holds the text of every command that shows
// something.
func TestShow_PrintsWhatTheAPISays(t *testing.T) {
	goVersion := regexp.MustCompile(`go1\.[0-9.]+[^\s"]*`)
	for name, line := range map[string]string{
		"status":             "status",
		"providers":          "providers list",
		"provider":           "providers show zai",
		"providers-test":     "providers test cerebras",
		"models":             "models",
		"keys":               "keys list",
		"keys-of-one":        "keys list zai",
		"clients":            "clients list",
		"client":             "clients show laptop",
		"usage":              "usage",
		"usage-by-day":       "usage --by day --since 7d",
		"usage-csv":          "usage --by model --csv",
		"requests":           "requests list --limit 12",
		"requests-of-class":  "requests list --class overloaded --limit 2",
		"request":            "requests show req-0003",
		"top":                "top",
		"audit":              "audit show",
		"audit-verify":       "audit verify",
		"alerts":             "alerts",
		"alert-rules":        "alerts --rules",
		"json-keys":          "keys list zai --json",
		"json-usage":         "usage --by client --json",
		"json-provider-test": "providers test cerebras --json",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if name == "audit" {
				b.must("providers", "disable", "minimax")
				b.run("clients", "rotate", "ci")
			}
			out, said, code := b.run(strings.Fields(line)...)
			text := "$ aimux " + line + "\n" + out
			if code != OK {
				text += said + "exit code " + string('0'+rune(code)) + "\n"
			}
			golden(t, name, goVersion.ReplaceAllString(text, "go1.x"))
		})
	}
}

// TestShow_EveryCommandThatShowsHasJSON runs each with --json.
func TestShow_EveryCommandThatShowsHasJSON(t *testing.T) {
	b := newBench(t)
	for _, line := range []string{
		"status", "providers list", "providers show zai", "providers test", "models", "models list", "keys list", "clients list", "clients show laptop",
		"usage", "requests list", "requests show req-0003", "top", "audit show", "audit verify", "alerts", "doctor",
		"providers enable zai", "keys disable zai main", "keys reset zai/main", "clients create x", "clients rotate x", "clients set x --rpm 3",
	} {
		out, said, code := b.run(append(strings.Fields(line), "--json")...)
		if code != OK && line != "status" && line != "audit show" && line != "providers test" || !json.Valid([]byte(out)) {
			t.Errorf("%s --json: exit code %d, %s: %s", line, code, said, out)
		}
	}
}

func TestStatus_WithoutAServerShowsTheFilesAndEndsWithThree(t *testing.T) {
	out, said, code := newBench(t).run("status")
	if code != Nothing || !strings.Contains(out, "not running") || !strings.Contains(said, "no server runs") {
		t.Errorf("exit code %d, %s: %s", code, said, out)
	}
}

func TestAlerts_NothingWrongIsSaidAndIsNoFailure(t *testing.T) {
	b := newBench(t)
	b.host.Open = fixed(`{"alerts":[],"rules":[]}`)
	if out := b.must("alerts"); out != "nothing is wrong\n" {
		t.Errorf("got %q", out)
	}
}

func TestLists_EmptyEndsWithThree(t *testing.T) {
	for line, member := range map[string]string{
		"providers list": "providers", "models": "aliases", "keys list": "keys", "clients list": "clients", "usage": "groups", "requests list": "requests", "audit show": "records",
	} {
		b := newBench(t)
		b.host.Open = fixed(`{"` + member + `":[]}`)
		for _, asJSON := range []string{"--json=false", "--json"} {
			out, said, code := b.run(append(strings.Fields(line), asJSON)...)
			if code != Nothing || said == "" || asJSON == "--json=false" && out != "" {
				t.Errorf("%s %s: exit code %d, said %q: %q", line, asJSON, code, said, out)
			}
		}
	}
}

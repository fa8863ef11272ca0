package cli

import (
	"strings"
	"testing"
)

func TestRewrite_TurnsOldSpellingsIntoCommandsOfToday(t *testing.T) {
	for line, want := range map[string]string{
		"--list-providers":                  "providers list",
		"--list-providers --json":           "providers list --json",
		"--status-providers":                "providers list",
		"--test-provider zai":               "providers test zai",
		"--test-provider=zai":               "providers test zai",
		"providers test --provider zai":     "providers test zai",
		"providers test zai":                "providers test zai",
		"--validate-config":                 "config check",
		"--validate-config --config a.json": "config check a.json",
		"--validate-config=a.json":          "config check a.json",
		"--backup-config a.toon":            "backup --to a.toon",
		"--restore-config a.toon":           "restore a.toon",
		"--migrate-from-ts dir":             "migrate dir",
		"--migrate-from-ts":                 "migrate",
		"--scan-json-keys dir":              "scan dir",
		"--monitor":                         "top",
		"-s":                                "status",
		"router status":                     "status",
		"hybrid --thinking-provider a":      "moved hybrid --thinking-provider a",
		"providers setup --provider zai":    "moved providers setup --provider zai",
		"z-ai -p hello":                     "moved z-ai -p hello",
		"config set apiKey x":               "moved config set apiKey x",
		"config show":                       "config show",
		"run --config Caddyfile":            "run --config Caddyfile",
		"keys list --config=x":              "keys list --config=x",
		"version":                           "version",
		"-v":                                "-v",
		"":                                  "",
	} {
		args := strings.Fields(line)
		if got := strings.Join(Rewrite(args), " "); got != want {
			t.Errorf("aimux %s: got %q, want %q", line, got, want)
		}
		if strings.Join(args, " ") != line {
			t.Errorf("aimux %s: the arguments were changed", line)
		}
	}
}

// TestRewrite_LeadsToACommandOrSaysWhatToType tries every old spelling.
func TestRewrite_LeadsToACommandOrSaysWhatToType(t *testing.T) {
	elsewhere := "config check backup restore migrate scan init stop"
	for _, old := range spellings() {
		if (old.now == "") == (old.say == "") {
			t.Errorf("%s: either a command or what to type", old.words)
		}
		args := Rewrite(strings.Fields(old.words))
		if old.now == "" {
			_, said, code := newBench(t).run(args...)
			if code != Usage || !strings.Contains(said, old.say) {
				t.Errorf("%s: exit code %d: %s", old.words, code, said)
			}
			continue
		}
		if cmd, _, err := newBench(t).root().Find(args); (err != nil || cmd.Name() == "aimux") && !strings.Contains(elsewhere, args[0]) {
			t.Errorf("%s: %v is no command: %v", old.words, args, err)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	for _, old := range spellings() {
		f.Add(old.words + " x")
	}
	f.Add("keys add zai --stdin")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		first := Rewrite(args)
		if len(args) > 0 && len(first) == 0 {
			t.Errorf("nothing is left of %q", line)
		}
	})
}

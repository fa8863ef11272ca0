package launch

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

func TestClaudeSettings_ChangesTheEnvBlockAlone(t *testing.T) {
	in := `{
    "model": "opus",  "permissions": {"allow": ["Bash"]},
    "env": {"FOO": "1", "ANTHROPIC_API_KEY": "sk-ant-x", "ANTHROPIC_BASE_URL": "https://api.z.ai"},
    "statusLine": null
}
`
	got, err := claudeSettings(in, Settings{URL: "http://127.0.0.1:8080", Token: "amx_a"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "settings.json", got)
	again, err := claudeSettings(got, Settings{URL: "http://127.0.0.1:8080", Token: "amx_a"})
	if err != nil || again != got {
		t.Errorf("a second time: %v\n%s", err, cmp.Diff(got, again))
	}
	fresh, err := claudeSettings("", known)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "settings-new.json", fresh)
}

func TestClaudeSettings_RefusesWhatItDoesNotUnderstand(t *testing.T) {
	for in, want := range map[string]string{
		"{\n  // mine\n}":           "line 2",
		`{"env": []}`:               "/env is not an object",
		`{"env": {}, "env": {}}`:    "stands twice",
		`{"env": {"A": 1, "A": 2}}`: "stands twice",
		`[]`:                        "line 1",
	} {
		if _, err := claudeSettings(in, known); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func FuzzClaudeSettings(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"env":{}}`, `{"env":{"ANTHROPIC_API_KEY":"x"},"b":[1]}`, `{"env":{"ANTHROPIC_API_KEY":"x","B":"y"}}`, "{\n\t\"a\": {\"env\": 1}\n}\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, err := claudeSettings(in, known)
		if err != nil {
			return
		}
		var before, after map[string]any
		if err := json.Unmarshal([]byte(out), &after); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if json.Unmarshal([]byte(in), &before) != nil {
			before = map[string]any{}
		}
		env, _ := after["env"].(map[string]any)
		if env["ANTHROPIC_BASE_URL"] != "http://127.0.0.1:8080" || env["ANTHROPIC_API_KEY"] != nil {
			t.Errorf("%s", out)
		}
		delete(before, "env")
		delete(after, "env")
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("other members changed:\n%s", d)
		}
	})
}

func TestCodexConfig_SetsTheProviderAndKeepsTheRest(t *testing.T) {
	for _, c := range []struct{ name, in string }{
		{"empty", ""},
		{"comments", "# my Codex\n\nmodel = \"gpt-5.5\" # the usual\napproval_policy = \"never\"\n\n[mcp_servers.x]\ncommand = \"x\"\n"},
		{"tables-only", "# first\n[projects.\"/a = b\"]\ntrust_level = \"trusted\"\n"},
		{"before", "model_provider = \"other\"\nnotes = \"\"\"\n[not a table]\nmodel_provider = 1\n\"\"\"\n\n[model_providers.aimux]\nname = \"old\"\nbase_url = \"http://x\"\n[model_providers.aimux.http_headers]\nA = \"b\"\n\n[tui]\nlist = [\n  1, # ]\n  2,\n]\n"},
	} {
		got, err := codexConfig(c.in, known)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		golden(t, "codex-"+c.name+".toml", got)
		if again, err := codexConfig(got, known); err != nil || again != got {
			t.Errorf("%s, a second time: %v\n%s", c.name, err, cmp.Diff(got, again))
		}
		holds(t, c.in, got)
	}
}

// holds checks that a changed document says what it should and nothing else is
// different.
func holds(t *testing.T, in, out string) {
	t.Helper()
	var before, after map[string]any
	if err := toml.Unmarshal([]byte(out), &after); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if err := toml.Unmarshal([]byte(in), &before); err != nil {
		t.Fatal(err)
	}
	providers, _ := after["model_providers"].(map[string]any)
	own, _ := providers["aimux"].(map[string]any)
	if after["model_provider"] != "aimux" || own["base_url"] != "http://127.0.0.1:8080/v1" || own["experimental_bearer_token"] != known.Token || len(own) != 5 {
		t.Errorf("%v", own)
	}
	for _, doc := range []map[string]any{before, after} {
		delete(doc, "model")
		delete(doc, "model_provider")
		if p, ok := doc["model_providers"].(map[string]any); ok {
			if delete(p, "aimux"); len(p) == 0 {
				delete(doc, "model_providers")
			}
		}
	}
	if len(before) == 0 {
		before = map[string]any{}
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("something else changed:\n%s", d)
	}
}

func TestCodexConfig_RefusesWhatItDoesNotUnderstand(t *testing.T) {
	for in, want := range map[string]string{
		"model_providers = {a = {name = \"x\"}}\n":    "line 1",
		"a = 1\nmodel_providers.aimux.name = \"x\"\n": "line 2",
		"[model_providers]\naimux = {name = \"x\"}\n": "line 2",
		"a = \"x\n":                     "line 1: a string does not end",
		"nonsense\n":                    "line 1",
		"a = [1,\n2\n":                  "a bracket is not closed",
		"\uFEFFa = 1\n":                 "byte order mark",
		"[a\nb = 1\n":                   "a table's header does not end",
		"ok = 1\nt = '''\nnever closed": "line 2",
	} {
		if out, err := codexConfig(in, known); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\n%s", in, err, out)
		}
	}
}

func FuzzCodexConfig(f *testing.F) {
	for _, seed := range []string{"", "a = 1", "[t]\na = '''x\n'''\n", "model = \"\"\"\"quoted\"\"\"\"\n", "# c\n\n[[x]]\ny = {z = [1]}\n", "a.b = \"]\"\r\n[c]\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, err := codexConfig(in, known)
		var v map[string]any
		if err != nil || toml.Unmarshal([]byte(in), &v) != nil {
			return
		}
		holds(t, in, out)
	})
}

func TestEdit_WritesOnceAndUndoes(t *testing.T) {
	for _, c := range []Client{Claude, Codex} {
		path := ConfigFile(c, t.TempDir(), func(string) (string, bool) { return "", false })
		before := map[Client]string{Claude: "{\"a\": 1}\n", Codex: "a = 1\n"}[c]
		for _, had := range []bool{false, true} {
			if had {
				if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, url := range []string{"http://127.0.0.1:8080", "http://127.0.0.1:9090"} { // the second edits the first
				e, err := Plan(c, path, Settings{URL: url, Token: "amx_0123456789"})
				if err != nil || !e.Changes() {
					t.Fatalf("%v, %v", e, err)
				}
				if d := e.Diff("amx_0123456789"); strings.Contains(d, "amx_") || !strings.Contains(d, "+ ") {
					t.Error(d)
				}
				if err := e.Write(); err != nil {
					t.Fatal(err)
				}
			}
			if err := Undo(path, false); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if had && string(data) != before || !had && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %q, %v", c, data, err)
			}
			if err := Undo(path, false); !errors.Is(err, ErrNothing) {
				t.Errorf("%v", err)
			}
		}
	}
}

func TestUndo_LeavesAFileThatWasChangedSince(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.json")
	e, err := Plan(Claude, path, known)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Write(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Undo(path, false); !errors.Is(err, ErrChanged) {
		t.Errorf("%v", err)
	}
	if err := e.Write(); err == nil {
		t.Error("a stale edit was written")
	}
	if err := Undo(path, true); err != nil {
		t.Error(err)
	}
}

func TestConfigFile_FollowsTheClientsOwnVariables(t *testing.T) {
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"CLAUDE_CONFIG_DIR": "/c", "CODEX_HOME": "/x"}[name]
		return v, ok
	}
	if ConfigFile(Claude, "/h", lookup) != filepath.Join("/c", "settings.json") || ConfigFile(Codex, "/h", lookup) != filepath.Join("/x", "config.toml") || ConfigFile(OpenAI, "/h", lookup) != "" {
		t.Error("wrong file")
	}
}

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const canary = "csk-canary0123456789abcdefghij"

func TestKeysAdd_TakesTheSecretFromWhereItIsGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("  "+canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args    []string
		stdin   string
		answers []string
	}{
		"the terminal":       {args: []string{"keys", "add", "zai", "next"}, answers: []string{canary}},
		"the standard input": {args: []string{"keys", "add", "zai/next", "--stdin"}, stdin: canary + "\nand more\n"},
		"a file":             {args: []string{"keys", "add", "zai", "next", "--file", file}},
		"rotated":            {args: []string{"keys", "rotate", "zai", "main", "--stdin"}, stdin: canary},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.stdin, b.answers = c.stdin, c.answers
			out := b.must(c.args...)
			key := "next"
			if name == "rotated" {
				key = "main"
			}
			if got := b.fake.Secret("zai", key); got != canary {
				t.Errorf("stored %q", got)
			}
			if strings.Contains(out, canary) {
				t.Errorf("it shows the secret: %s", out)
			}
		})
	}
}

func TestKeysAdd_WithoutAWayToAskSaysHow(t *testing.T) {
	b := newBench(t)
	if _, said, code := b.run("keys", "add", "zai"); code != Usage || !strings.Contains(said, "--stdin") {
		t.Errorf("no terminal: exit code %d: %s", code, said)
	}
	b.answers = []string{"  "}
	if _, said, code := b.run("keys", "add", "zai"); code != Usage || !strings.Contains(said, "empty") {
		t.Errorf("nothing typed: exit code %d: %s", code, said)
	}
	if _, _, code := b.run("keys", "add", "zai", "--stdin", "--file", "x"); code != Usage {
		t.Errorf("two ways: exit code %d", code)
	}
	if _, _, code := b.run("keys", "add", "zai", "--file", filepath.Join(t.TempDir(), "nothing")); code != Failed {
		t.Errorf("no file: exit code %d", code)
	}
}

func TestKeysAdd_TheFirstOneMakesTheVaultAndSaysWhatItIsWorth(t *testing.T) {
	b := newBench(t)
	b.must("vault", "init")
	b.host.Open = fixed(`{"vault":{"state":"absent"}}`)
	b.stdin = "a-key-of-somebody"
	_, said, code := b.run("keys", "add", "zai", "--stdin")
	if code != OK || !strings.Contains(said, "It does not protect against root") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

func TestKeys_AreNamedInTwoWays(t *testing.T) {
	for _, args := range [][]string{{"keys", "disable", "cerebras", "main"}, {"keys", "disable", "cerebras/main"}} {
		b := newBench(t)
		if out := b.must(args...); out != "key cerebras/main is switched off\n" {
			t.Errorf("%v: %q", args, out)
		}
	}
	for _, name := range []string{"cerebras", "/main", "cerebras/"} {
		if _, _, code := newBench(t).run("keys", "disable", name); code != Usage {
			t.Errorf("%q: exit code %d", name, code)
		}
	}
}

// TestChanges_EndAsTheyShould runs every change, those that cannot be made too.
func TestChanges_EndAsTheyShould(t *testing.T) {
	for line, want := range map[string]Exit{
		"providers enable zai":                      OK,
		"providers disable zai":                     OK,
		"providers disable nobody":                  Nothing,
		"providers show nobody":                     Nothing,
		"providers show":                            Usage,
		"providers show a b":                        Usage,
		"providers nonsense":                        Usage,
		"providers test nobody":                     Nothing,
		"providers test --key x":                    Usage,
		"providers test zai --key main":             OK,
		"providers remove minimax --yes":            OK,
		"providers remove nobody":                   Nothing,
		"providers add box --no-key --kind openai":  OK,
		"providers add zai --no-key":                Failed,
		"keys enable cerebras spare":                OK,
		"keys enable cerebras nobody":               Nothing,
		"keys reset zai/main":                       OK,
		"keys test zai main":                        OK,
		"keys remove cerebras/spare":                OK,
		"keys list nobody":                          Nothing,
		"clients show nobody":                       Nothing,
		"clients set laptop --rpm 60":               OK,
		"clients set laptop --daily-usd -1":         Usage,
		"clients set laptop --expires yesterdayish": Usage,
		"clients set nobody --rpm 1":                Nothing,
		"clients rotate laptop --grace 1h":          OK,
		"clients rotate laptop --grace soon":        Usage,
		"clients revoke laptop --yes":               OK,
		"clients create":                            Usage,
		"requests show nothing-like-it":             Nothing,
		"requests show req-00":                      Usage,
		"requests list --limit 0":                   Usage,
		"requests list --since nonsense":            Usage,
		"usage --by nonsense":                       Usage,
		"usage --csv --json":                        Usage,
		"audit show --limit 0":                      Usage,
		"top --interval 1ms":                        Usage,
		"status --nonsense":                         Usage,
		"models nonsense":                           Usage,
		"vault rotate --to x":                       Usage,
		"vault status":                              Nothing,
		"vault export":                              Usage,
		"vault import x --on-conflict y":            Usage,
		"moved hybrid":                              Usage,
	} {
		if out, said, code := newBench(t).run(strings.Fields(line)...); code != want || want != OK && said == "" || want == OK && out == "" {
			t.Errorf("%s: exit code %d, want %d: %s%s", line, code, want, said, out)
		}
	}
}

func TestChanges_AreNotMadeIfTheAnswerIsNo(t *testing.T) {
	for _, line := range []string{"providers remove minimax", "keys remove cerebras/spare", "clients revoke laptop"} {
		b := newBench(t)
		b.refuse = true
		if _, said, code := b.run(strings.Fields(line)...); code != Failed || !strings.Contains(said, "nothing was changed") || b.fake.Changes() != 0 {
			t.Errorf("%s: exit code %d, %d changes: %s", line, code, b.fake.Changes(), said)
		}
	}
}

func TestProvidersAdd_SendsWhatTheFlagsSay(t *testing.T) {
	b := newBench(t)
	b.stdin = canary
	b.must("providers", "add", "work", "--kind", "openai", "--base-url", "https://llm.example.com/v1", "--tier", "3", "--key", "first", "--account", "acme", "--stdin")
	out := b.must("providers", "show", "work", "--json")
	for _, part := range []string{`"kind": "openai"`, `"base_url": "https://llm.example.com/v1"`, `"tier": 3`} {
		if !strings.Contains(out, part) {
			t.Errorf("%s is missing in %s", part, out)
		}
	}
	if b.fake.Secret("work", "first") != canary {
		t.Error("the key did not arrive")
	}
}

func TestClientsCreate_PrintsTheTokenAloneAndOnce(t *testing.T) {
	b := newBench(t)
	out, said, code := b.run("clients", "create", "anna", "--models", "coder, quick", "--daily-usd", "5.5", "--expires", "30d", "--networks", "10.0.0.0/8", "--rpm", "60")
	if code != OK || strings.Count(out, "\n") != 1 || strings.ContainsAny(strings.TrimSpace(out), " \t") || !strings.Contains(said, "this once") {
		t.Fatalf("exit code %d, %q: %s", code, out, said)
	}
	shown := b.must("clients", "show", "anna", "--json")
	for _, part := range []string{`"coder"`, `"quick"`, `"daily_microusd": 5500000`, `"requests_per_minute": 60`, `"2026-12-22T12:00:00.000Z"`, `"10.0.0.0/8"`} {
		if !strings.Contains(shown, part) {
			t.Errorf("%s is missing in %s", part, shown)
		}
	}
	if strings.Contains(shown, strings.TrimSpace(out)) {
		t.Error("the token is shown again")
	}
}

func TestClientsSet_LeavesWhatIsNotGiven(t *testing.T) {
	b := newBench(t)
	b.must("clients", "set", "laptop", "--rpm", "7", "--enabled=false")
	shown := b.must("clients", "show", "laptop", "--json")
	for _, part := range []string{`"requests_per_minute": 7`, `"enabled": false`, `"daily_microusd": 5000000`, `"coder"`, `"team": "core"`} {
		if !strings.Contains(shown, part) {
			t.Errorf("%s is missing in %s", part, shown)
		}
	}
}

func TestClients_ANameOfTwoIsNotGuessed(t *testing.T) {
	b := newBench(t)
	b.host.Open = fixed(`{"clients":[{"id":"a","name":"x"},{"id":"b","name":"x"},{"id":"x2","name":"y"}]}`)
	if _, said, code := b.run("clients", "show", "x"); code != Usage || !strings.Contains(said, "2 clients") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if out := b.must("clients", "show", "b", "--json"); !strings.Contains(out, `"id": "b"`) {
		t.Errorf("by id: %s", out)
	}
}

func TestAdminPasswd_SetsWhatWasTypedTwice(t *testing.T) {
	b := newBench(t)
	b.answers = []string{"correct horse", "correct horse"}
	out := b.must("admin", "passwd", "anna")
	if b.set["anna"] != "correct horse" || strings.Contains(out, "horse") || len(b.recorded) != 1 || b.recorded[0] != "password.reset anna" {
		t.Errorf("set %v, recorded %v: %s", b.set, b.recorded, out)
	}
	b.answers = []string{"one", "another"}
	if _, _, code := b.run("admin", "passwd"); code != Failed || b.set["admin"] != "" {
		t.Errorf("two that differ: exit code %d, %v", code, b.set)
	}
	b.stdin = "from a pipe\n"
	if b.must("admin", "passwd", "--stdin"); b.set["admin"] != "from a pipe" {
		t.Errorf("from a pipe: %v", b.set)
	}
}

func TestDoctor_PrintsEachFindingAndHowToMendIt(t *testing.T) {
	b := newBench(t)
	b.found = []Finding{{"clock", "ok", "it is noon", ""}, {"vault", "warn", "the key is in the environment", "use a file"}}
	if out := b.must("doctor"); out != "ok    clock         it is noon\nwarn  vault         the key is in the environment\n                    mend: use a file\n" {
		t.Errorf("got:\n%s", out)
	}
	b.found = append(b.found, Finding{"data", "fail", "the disk is full", ""})
	for _, args := range [][]string{{"doctor"}, {"doctor", "--json"}} {
		if out, said, code := b.run(args...); code != Failed || !strings.Contains(said, "1 check failed") || !strings.Contains(out, "the disk is full") {
			t.Errorf("exit code %d, %s: %s", code, said, out)
		}
	}
}

package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/google/go-cmp/cmp"
)

// openVault opens the vault of a test's machine.
func openVault(t *testing.T) *vault.Vault {
	t.Helper()
	options, err := place.VaultOptions(schema.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const zaiKey = "0123456789abcdef0123456789abcdef.AbCdEf0123456789"

// first is `aimux init` with somebody at the terminal who gives answers.
func first(t *testing.T, answers ...string) (*firstSteps, *bytes.Buffer) {
	t.Helper()
	said := new(bytes.Buffer)
	next := func(prompt string) (string, error) {
		if len(answers) == 0 {
			return "", errors.New("no answer left to: " + prompt)
		}
		answer := answers[0]
		answers = answers[1:]
		return answer, nil
	}
	f := &firstSteps{host: host(), lookup: os.LookupEnv, say: said, stdin: strings.NewReader(""), answers: next, hidden: next}
	f.find = func(name string) (string, error) {
		if name == "codex" {
			return "/bin/codex", nil
		}
		return "", errors.New("not found")
	}
	return f, said
}

func TestInit_AsksForAProviderAndItsKey(t *testing.T) {
	home := ownMachine(t)
	f, said := first(t, "zia", "zai-coding", "short", "zai-coding", zaiKey)
	made, err := f.run(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	text := mustRead(t, made.Config)
	if made.Config != filepath.Join(home, ".config/aimux/aimux.toon") || !strings.Contains(text, `"vault:zai-coding-main"`) || !strings.Contains(text, "*,zai-coding,") {
		t.Errorf("%s\n%s", made.Config, text)
	}
	if strings.Contains(said.String()+text, zaiKey[:20]) {
		t.Error("the key is shown")
	}
	if d := cmp.Diff([]string{"aimux codex", "aimux setup codex --write"}, made.Next); d != "" {
		t.Error(d)
	}
	v := openVault(t)
	if got, err := v.Get("zai-coding-main", "https://api.z.ai:443"); err != nil || got.Reveal() != zaiKey {
		t.Errorf("%v", err)
	}
	if _, err := schema.Load(loadOptions(made.Config)); err != nil {
		t.Error(err)
	}
	again, _ := first(t)
	if _, err := again.run(t.Context()); err == nil || !strings.Contains(err.Error(), "already there") || mustRead(t, made.Config) != text {
		t.Errorf("it was overwritten: %v", err)
	}
}

func TestInit_KeysOfTheEnvironmentStayThereOrMove(t *testing.T) {
	for answer, want := range map[string]string{"n": `"env:MINIMAX_API_KEY_2"`, "": `"vault:minimax-key-2"`} {
		ownMachine(t)
		t.Setenv("MINIMAX_API_KEY", "mm-0123456789")
		t.Setenv("MINIMAX_API_KEY_2", "mm-9876543210")
		f, said := first(t, answer)
		f.dir = "here"
		made, err := f.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if text := mustRead(t, made.Config); !strings.Contains(text, want) || strings.Contains(text+said.String(), "mm-0") {
			t.Errorf("%q: %s", answer, text)
		}
		if len(made.Stored) != map[string]int{"n": 0, "": 2}[answer] {
			t.Errorf("%q: %v", answer, made.Stored)
		}
	}
}

func TestInit_FlagsForScripts(t *testing.T) {
	ownMachine(t)
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte(zaiKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := execute(t, host().initCommand, "--provider", "zai", "--key-file", keyFile, "--dir", "a", "--json")
	var made firstMade
	if jsonErr := json.Unmarshal([]byte(out), &made); err != nil || jsonErr != nil || cmp.Diff([]string{"zai-main"}, made.Stored) != "" {
		t.Errorf("%v, %v: %s", err, jsonErr, out)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--dir", "b"}, "no provider key is in the environment"},
		{[]string{"--provider", "zia", "--dir", "b"}, "zai-coding"},
		{[]string{"--provider", "zai", "--dir", "b"}, "ZAI_API_KEY"},
		{[]string{"--key-file", keyFile, "--dir", "b"}, "--provider"},
		{[]string{"--provider", "zai", "--provider", "openai", "--key-file", keyFile, "--dir", "b"}, "several providers"},
		{[]string{"--provider", "zai", "--key-file", os.DevNull, "--dir", "b"}, ""},
	} {
		if out, err := execute(t, host().initCommand, c.args...); err == nil || !strings.Contains(err.Error(), c.want) || place.Exists("b/aimux.toon") {
			t.Errorf("%q: %v, %s", c.args, err, out)
		}
	}
	if list, err := openVault(t).List(); err != nil || len(list) != 1 {
		t.Errorf("%d keys are left of failed runs, %v", len(list), err)
	}
}

// oldConfig is a configuration of the first version, with keys that are none.
const oldConfig = `{"firstRunCompleted":true,"multiProvider":{"providers":{
 "z-ai":{"name":"Z.AI","apiKey":"` + zaiKey + `","enabled":true,"priority":6},
 "synthetic-new":{"name":"Synthetic.New","apiKey":"syn_fake00000000000000000000000001","enabled":true,"priority":5}},
 "routing":{"defaultProvider":"z-ai"},"fallback":{}}}`

func TestMigrate_KeysGoIntoTheVaultOnceAndTheSourceStays(t *testing.T) {
	home := ownMachine(t)
	old := filepath.Join(home, ".config/aimux/config.json")
	if err := os.MkdirAll(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, []byte(oldConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := execute(t, host().migrateCommand, "--dry-run")
	if err != nil || !strings.Contains(out, "Nothing is written yet") || place.Exists(place.File("vault.json")) {
		t.Fatalf("%v: %s", err, out)
	}
	out, err = execute(t, host().migrateCommand)
	if err != nil || strings.Contains(out, zaiKey) {
		t.Fatalf("%v: %s", err, out)
	}
	document := mustRead(t, filepath.Join(home, ".config/aimux/aimux.toon"))
	if _, err := execute(t, host().migrateCommand); err == nil || !strings.Contains(err.Error(), "already there") {
		t.Errorf("%v", err)
	}
	if out, err := execute(t, host().migrateCommand, old, "--to", "second", "--json"); err != nil || !json.Valid([]byte(out)) {
		t.Errorf("%v: %s", err, out)
	}
	if d := cmp.Diff(document, mustRead(t, "second/aimux.toon")); d != "" {
		t.Errorf("a second run:\n%s", d)
	}
	list, err := openVault(t).List()
	if err != nil || len(list) != 2 {
		t.Errorf("%d keys, %v", len(list), err)
	}
	if mustRead(t, old) != oldConfig {
		t.Error("the source was changed")
	}
	if report := mustRead(t, "second/migration-report.json"); strings.Contains(report, zaiKey) || !json.Valid([]byte(report)) {
		t.Error(report)
	}
	if _, err := schema.Load(loadOptions("second/aimux.toon")); err != nil {
		t.Error(err)
	}
}

func TestMigrate_NothingToFindIsSaid(t *testing.T) {
	ownMachine(t)
	if _, err := execute(t, host().migrateCommand); err == nil || !strings.Contains(err.Error(), "name files") {
		t.Errorf("%v", err)
	}
	if _, err := execute(t, host().migrateCommand, "nowhere"); err == nil {
		t.Error("no error")
	}
}

func TestService_DryRunShowsEveryStep(t *testing.T) {
	ownMachine(t)
	root := t.TempDir()
	out, err := execute(t, serviceCommand, "install", "--dry-run", "--root", root)
	if err != nil || !strings.Contains(out, filepath.Join(root, "usr/lib/systemd/system/aimux.service")) || strings.Contains(out, "systemctl") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = execute(t, serviceCommand, "install", "--dry-run", "--user"); err != nil || !strings.Contains(out, "run    systemctl --user enable") {
		t.Errorf("%v: %s", err, out)
	}
	if entries, _ := os.ReadDir(root); len(entries) != 0 {
		t.Error("something was written")
	}
}

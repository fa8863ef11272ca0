package place

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/schema"
)

func TestPlaces_FollowTheEnvironmentUnlessTheConfigurationSaysOtherwise(t *testing.T) {
	data, config := t.TempDir(), t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv("XDG_CONFIG_HOME", config)
	usual, named := schema.Defaults(), schema.Defaults()
	named.Vault.File, named.Audit.Directory, named.Usage.File = "/a/vault", "/a/audit", "/a/usage"
	own, err := UserDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, got, want string }{
		{"overrides", Overrides(), File("overrides.toon")},
		{"the user's directory", own, filepath.Join(config, "aimux")},
		{"the usual vault", Vault(usual), File("vault.json")}, {"a vault", Vault(named), "/a/vault"},
		{"the usual audit log", Audit(usual), File("audit")}, {"an audit log", Audit(named), "/a/audit"},
		{"the usual ledger", Ledger(usual), File("usage.db")}, {"a ledger", Ledger(named), "/a/usage"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	if !strings.HasPrefix(File("x"), data) || strings.HasPrefix(VaultKey(), data) {
		t.Errorf("data at %s, the vault's key at %s", File("x"), VaultKey())
	}
}

func TestKeySource_ReadsEveryKindAndNoOther(t *testing.T) {
	for _, text := range []string{"", "auto", "credential:c", "file:f", "passphrase:p", "command:a b", "env:E"} {
		if _, err := KeySource(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if s, _ := KeySource("command:a b"); len(s.Command) != 2 || s.Credential != "-" || s.Variable != "-" {
		t.Errorf("a command: %+v", s)
	}
	if _, err := KeySource("vault:x"); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestFindConfig_TakesTheFirstUsualNameThatIsAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "aimux.toon"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := FindConfig(dir); got != "" {
		t.Errorf("a directory is taken: %s", got)
	}
	want := filepath.Join(dir, "aimux.yaml")
	if err := os.WriteFile(want, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := FindConfig(dir); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestExists_ALinkThatLeadsNowhereIsSomething(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if Exists(link) {
		t.Error("before it is made")
	}
	if err := os.Symlink("nowhere", link); err != nil {
		t.Skip(err)
	}
	if !Exists(link) {
		t.Error("a link")
	}
}

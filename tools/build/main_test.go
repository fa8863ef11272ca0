package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRead_TakesPathsFromWhereTheManifestIs(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	profile := put("default.pgo", "")
	for _, test := range []struct{ name, given, want string }{
		{"beside the manifest", "default.pgo", profile},
		{"absolute", profile, profile},
		{"missing", "nosuch.pgo", ""},
		{"none", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			manifest := put("xcaddy.json", `{"caddy_version":"v2.11.9","replacements":[{"old":"example.org/m","new":"."},{"old":"example.org/n","new":"example.org/o"}],"pgo_profile":"`+test.given+`"}`)
			b, err := read(manifest)
			if err != nil {
				t.Fatal(err)
			}
			if b.PgoProfile != test.want {
				t.Errorf("profile %q, want %q", b.PgoProfile, test.want)
			}
			if string(b.Replacements[0].New) != dir || b.Replacements[1].New != "example.org/o" {
				t.Errorf("replacements %q", b.Replacements)
			}
		})
	}
	if _, err := read(put("bad.json", "{")); err == nil {
		t.Error("half an object is taken for a manifest")
	}
}

func TestRead_UnderstandsTheProjectsManifest(t *testing.T) {
	b, err := read(filepath.Join("..", "..", "xcaddy.json"))
	if err != nil {
		t.Fatal(err)
	}
	if b.CaddyVersion == "" || len(b.Plugins) != 1 || !filepath.IsAbs(string(b.Replacements[0].New)) {
		t.Errorf("%+v", b)
	}
}

package legacy

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var testDay = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// knownForTest is what the assembly tells package schema about the catalogue.
func knownForTest() schema.Known {
	k := schema.Known{Kinds: map[string]schema.Kind{}}
	for _, v := range provider.Catalogue().Vendors() {
		k.Kinds[v.Kind] = schema.Kind{Also: v.Also, Env: v.Env, NeedsBaseURL: v.NeedsURL, KeyOptional: v.KeyOptional, Local: v.Local, AnyModel: true}
	}
	return k
}

func testOptions() Options { return Options{Known: knownForTest(), Now: testDay, DryRun: true} }

// TestImport_AccountsForEveryFieldOfEveryOldConfig compares report and document of
// each fixture with what was reviewed. Every file stays as it was.
func TestImport_AccountsForEveryFieldOfEveryOldConfig(t *testing.T) {
	cases, err := filepath.Glob("testdata/import/*")
	if err != nil || len(cases) < 20 {
		t.Fatalf("%d fixtures, %v", len(cases), err)
	}
	for _, dir := range cases {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			before := snapshot(t, filepath.Join(dir, "in"))
			t.Chdir(dir)
			got, err := Import([]string{"in"}, testOptions())
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "report.txt", []byte(filepath.ToSlash(got.Report.String())))
			golden(t, "report.json", got.Report.JSON())
			golden(t, "aimux.toon", got.Document)
			if diff := cmp.Diff(before, snapshot(t, "in")); diff != "" {
				t.Errorf("the source changed (-before +after):\n%s", diff)
			}
			checkNoSecret(t, got)
		})
	}
}

// checkNoSecret fails if a recovered key, or any value of the sources that looks
// like one, is in what is shown.
func checkNoSecret(t *testing.T, got *Result) {
	t.Helper()
	for _, k := range got.Keys {
		u, err := url.Parse(k.Origin)
		if err != nil || u.Host == "" || u.Path != "" || u.Scheme != "https" && u.Scheme != "http" {
			t.Errorf("the key %s is bound to %q", k.ID, k.Origin)
		}
		if _, err := schema.ParseSecretRef("vault:" + k.ID); err != nil {
			t.Errorf("the id %q: %v", k.ID, err)
		}
	}
	shown := got.Report.String() + string(got.Report.JSON()) + string(got.Document)
	for _, k := range got.Keys {
		shown += k.String()
	}
	for _, k := range got.Keys {
		// A fuzzer finds out that "api.z.ai" passes for a key.
		if s := k.Secret.Reveal(); len(s) >= 24 && !strings.Contains(s, "://") && strings.Contains(shown, s) {
			t.Errorf("the key %s is shown in clear", k.ID)
		}
	}
	if scrub(shown) != strings.Map(controlToSpace, shown) {
		t.Error("something with the shape of a key is shown")
	}
	if !json.Valid(got.Report.JSON()) {
		t.Error("the report is not JSON")
	}
}

func controlToSpace(c rune) rune {
	if c < ' ' || c == 0x7f {
		return ' '
	}
	return c
}

func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		out[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// golden compares with a golden file of the working directory; nil: there is none.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if got == nil {
			os.Remove(name)
		} else if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil && got != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(string(want), string(got)))
	}
}

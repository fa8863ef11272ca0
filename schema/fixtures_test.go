package schema_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/schema"
)

var update = flag.Bool("update", false, "rewrite the expected files in testdata and docs")

// known is a small catalogue, fixed for these tests.
func known() schema.Known {
	return schema.Known{Kinds: map[string]schema.Kind{
		"anthropic":            {Models: []string{"claude-sonnet-4-5", "claude-haiku-4-5"}, Env: []string{"ANTHROPIC_API_KEY"}, Discover: true},
		"cerebras":             {Models: []string{"gpt-oss-120b", "zai-glm-4.7"}, Env: []string{"CEREBRAS_API_KEY"}, Discover: true},
		"minimax":              {Models: []string{"MiniMax-M3"}, Env: []string{"MINIMAX_API_KEY"}, Discover: true},
		"openai":               {AnyModel: true, Env: []string{"OPENAI_API_KEY"}, Discover: true},
		"zai":                  {Models: []string{"glm-5.2", "glm-5.2-air"}, Env: []string{"ZAI_API_KEY", "Z_AI_API_KEY"}, Discover: true},
		"zai-coding":           {Models: []string{"glm-5.2"}, Env: []string{"ZAI_API_KEY"}},
		"ollama":               {AnyModel: true, KeyOptional: true, Local: true},
		"openai-compatible":    {AnyModel: true, KeyOptional: true, NeedsBaseURL: true},
		"anthropic-compatible": {AnyModel: true, KeyOptional: true, NeedsBaseURL: true},
		"simulator":            {Models: []string{"sim-large", "sim-small"}, AnyModel: true, KeyOptional: true, Local: true},
	}}
}

// load loads a document given as text.
func load(t *testing.T, format, text string, environ ...string) (*schema.Result, error) {
	t.Helper()
	return schema.Load(schema.Options{
		Path: "aimux." + format, Data: []byte(text), Environ: environ, Known: known(),
	})
}

// mustLoad is load for documents without problems.
func mustLoad(t *testing.T, format, text string, environ ...string) *schema.Result {
	t.Helper()
	r, err := load(t, format, text, environ...)
	if err != nil {
		t.Fatalf("loading:\n%v", err)
	}
	return r
}

// golden compares got with the contents of a file, or writes it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (run with -update to rewrite)\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

// files lists the files of a testdata folder with one of the endings.
func files(t *testing.T, dir string, endings ...string) []string {
	t.Helper()
	var out []string
	for _, ending := range endings {
		found, err := filepath.Glob(filepath.Join(dir, "*"+ending))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		t.Fatalf("no files in %s", dir)
	}
	return out
}

// lines joins warnings for comparison.
func lines(ps []schema.Problem) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

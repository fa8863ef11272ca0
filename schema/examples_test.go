package schema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/schema"
)

// exampleKinds is the part of the catalogue the examples use.
func exampleKinds() schema.Known {
	return schema.Known{Kinds: map[string]schema.Kind{
		"anthropic":         {Models: []string{"claude-sonnet-5-5"}, Env: []string{"ANTHROPIC_API_KEY"}},
		"cerebras":          {Models: []string{"gpt-oss-120b"}, Env: []string{"CEREBRAS_API_KEY"}},
		"minimax":           {Models: []string{"MiniMax-M3"}, Env: []string{"MINIMAX_API_KEY"}},
		"zai":               {Models: []string{"glm-5.2"}, Env: []string{"ZAI_API_KEY"}},
		"zai-coding":        {Models: []string{"glm-5.2"}, Env: []string{"ZAI_CODING_API_KEY"}},
		"ollama":            {Local: true, KeyOptional: true, AnyModel: true},
		"openai-compatible": {NeedsBaseURL: true, KeyOptional: true, AnyModel: true},
	}}
}

func TestExamples_LoadWithoutAWarning(t *testing.T) {
	paths := files(t, "../examples", ".toon", ".json", ".yaml")
	if len(paths) < 6 {
		t.Errorf("%d examples, fewer than 6", len(paths))
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			r, err := schema.Load(schema.Options{Path: path, Known: exampleKinds()})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Warnings) > 0 {
				t.Errorf("warnings:\n%s", lines(r.Warnings))
			}
			if r.Config.Implicit {
				t.Error("the example names no provider")
			}
		})
	}
}

func TestExamples_TwinsSayTheSame(t *testing.T) {
	var first *schema.Config
	for _, ending := range []string{".toon", ".json", ".yaml"} {
		r, err := schema.Load(schema.Options{Path: "../examples/team" + ending, Known: exampleKinds()})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r.Config
		}
		if diff := cmp.Diff(first, r.Config); diff != "" {
			t.Errorf("team%s differs from team.toon:\n%s", ending, diff)
		}
	}
}

func TestExamples_FormattingKeepsMeaningAndComments(t *testing.T) {
	for _, path := range files(t, "../examples", ".toon", ".json", ".yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		format := strings.TrimPrefix(filepath.Ext(path), ".")
		once, err := schema.Convert(data, format, format)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := schema.Convert(once, format, format)
		if err != nil || string(twice) != string(once) {
			t.Errorf("%s: formatting twice is not formatting once (%v):\n%s", path, err, cmp.Diff(string(once), string(twice)))
		}
		for line := range strings.Lines(string(data)) {
			if comment := strings.TrimSpace(line); strings.HasPrefix(comment, "#") && !strings.Contains(string(once), comment) {
				t.Errorf("%s: the comment %q is gone", path, comment)
			}
		}
		sameRaw(t, path, data, once, format)
	}
}

// sameRaw compares what two texts embed.
func sameRaw(t *testing.T, path string, a, b []byte, format string) {
	t.Helper()
	first := mustLoad(t, format, string(a))
	second := mustLoad(t, format, string(b))
	if string(first.Raw) != string(second.Raw) {
		t.Errorf("%s: the meaning changed from\n%s\nto\n%s", path, first.Raw, second.Raw)
	}
}

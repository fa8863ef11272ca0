package toon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormat_Goldens(t *testing.T) {
	files, err := filepath.Glob("testdata/format/*.toon")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			in, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Format(in)
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(path, ".toon") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again, err := Format(got); err != nil || string(again) != string(got) {
				t.Errorf("formatting twice differs: %v\n%s", err, cmp.Diff(string(got), string(again)))
			}
		})
	}
}

func TestFormat_LeavesTheSampleConfigAlone(t *testing.T) {
	in, err := os.ReadFile("testdata/config.toon")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Format(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(in), string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestFormat_WritesTheIndentationAndDelimiterAskedFor(t *testing.T) {
	got, err := Format([]byte("a:\n   b[2]: 1,2\n   # c\n   c: 3\n"), IndentSize(4), Delimiter(Pipe))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a:\n    b[2|]: 1|2\n    # c\n    c: 3\n", string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestFormat_RefusesWhatIsInvalid(t *testing.T) {
	for name, doc := range map[string]string{
		"syntax": "a: 1\na: 2", "a row too short": "[1]{a,b}:\n  1",
		"a line too long": "[1]:\n" + strings.Repeat("  - abcdefghij\n", 6000),
	} {
		if got, err := Format([]byte(doc)); err == nil {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

package toon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixtureDir is where the official fixtures lie beside a working copy.
const fixtureDir = "../../shared/toon-spec/tests/fixtures"

// fixture is one case of the official suite, and of our own vectors, which
// share its form.
type fixture struct {
	Name        string          `json:"name"`
	SpecSection string          `json:"specSection,omitempty"`
	Input       json.RawMessage `json:"input"`
	Expected    json.RawMessage `json:"expected"`
	ShouldError bool            `json:"shouldError,omitempty"`
	// Error is the message our own vectors expect.
	Error   string          `json:"error,omitempty"`
	Options *fixtureOptions `json:"options,omitempty"`
}

// fixtureOptions are the options of a fixture, by the specification's names.
type fixtureOptions struct {
	Delimiter  string `json:"delimiter,omitempty"`
	IndentSize int    `json:"indentSize,omitempty"`
	Strict     *bool  `json:"strict,omitempty"`
}

// fixtureFile is a file of fixtures.
type fixtureFile struct {
	Category string    `json:"category"`
	Tests    []fixture `json:"tests"`
}

func TestConformance_OfficialFixturesPass(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(fixtureDir, "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("../shared/toon-spec is not here; our own vectors in testdata cover the same rules")
	}
	ran := 0
	for _, file := range files {
		ran += runFixtures(t, file)
	}
	if ran != 516 {
		t.Errorf("ran %d official fixtures, want 516", ran)
	}
}

// runFixtures runs one file and returns the number of its cases.
func runFixtures(t *testing.T, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file fixtureFile
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
	for _, fx := range file.Tests {
		t.Run(filepath.Base(path)+"/"+fx.Name, func(t *testing.T) {
			if file.Category == "encode" {
				fx.encode(t)
			} else {
				fx.decode(t)
			}
		})
	}
	return len(file.Tests)
}

// text returns the document of a decode fixture.
func (fx *fixture) text(t *testing.T) string {
	t.Helper()
	var text string
	if err := json.Unmarshal(fx.Input, &text); err != nil {
		t.Fatal(err)
	}
	return text
}

func (fx *fixture) decodeOptions() []DecodeOption {
	var opts []DecodeOption
	if o := fx.Options; o != nil {
		if o.IndentSize > 0 {
			opts = append(opts, IndentSize(o.IndentSize))
		}
		if o.Strict != nil {
			opts = append(opts, Strict(*o.Strict))
		}
	}
	return opts
}

func (fx *fixture) encodeOptions() []EncodeOption {
	var opts []EncodeOption
	if o := fx.Options; o != nil {
		if o.IndentSize > 0 {
			opts = append(opts, IndentSize(o.IndentSize))
		}
		if o.Delimiter != "" {
			opts = append(opts, Delimiter(DelimiterOption(o.Delimiter[0])))
		}
	}
	return opts
}

func (fx *fixture) decode(t *testing.T) {
	input := fx.text(t)
	got, err := Decode([]byte(input), fx.decodeOptions()...)
	if fx.ShouldError {
		if err == nil {
			t.Fatalf("Decode(%q) = %s, want an error", input, jsonOf(t, got))
		}
		if fx.Error != "" && err.Error() != fx.Error {
			t.Errorf("Decode(%q)\n got %s\nwant %s", input, err, fx.Error)
		}
		return
	}
	if err != nil {
		t.Fatalf("Decode(%q): %v", input, err)
	}
	want, err := FromJSON(fx.Expected)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(jsonOf(t, want), jsonOf(t, got)); diff != "" {
		t.Errorf("Decode(%q) (-want +got):\n%s", input, diff)
	}
}

func (fx *fixture) encode(t *testing.T) {
	input, err := FromJSON(fx.Input)
	if err != nil {
		t.Fatal(err)
	}
	var want string
	if err := json.Unmarshal(fx.Expected, &want); err != nil {
		t.Fatal(err)
	}
	got, err := Encode(input, fx.encodeOptions()...)
	if err != nil {
		t.Fatalf("Encode(%s): %v", fx.Input, err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("Encode(%s) (-want +got):\n%s", fx.Input, diff)
	}
}

// jsonOf writes a value as JSON: the keys in order, the numbers canonical.
func jsonOf(t testing.TB, v Value) string {
	t.Helper()
	data, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

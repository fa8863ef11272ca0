package toon

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files and the messages in testdata")

// TestVectors_OurOwnPass runs testdata/vectors: every rule of the specification,
// in the form of the official fixtures, with the message of each error.
func TestVectors_OurOwnPass(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		if *update {
			updateMessages(t, file)
		}
		runFixtures(t, file)
	}
}

// updateMessages stores the message Decode gives for each invalid document.
func updateMessages(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Version     string    `json:"version"`
		Category    string    `json:"category"`
		Description string    `json:"description"`
		Tests       []fixture `json:"tests"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
	for i := range file.Tests {
		if fx := &file.Tests[i]; fx.ShouldError {
			_, err := Decode([]byte(fx.text(t)), fx.decodeOptions()...)
			if err == nil {
				t.Errorf("%s: no error", fx.Name)
				continue
			}
			fx.Error = err.Error()
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestVectors_EveryErrorHasItsMessage(t *testing.T) {
	files, _ := filepath.Glob("testdata/vectors/*.json")
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file fixtureFile
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		for _, fx := range file.Tests {
			if fx.ShouldError && fx.Error == "" {
				t.Errorf("%s: %q has no message; run the tests with -update", path, fx.Name)
			}
		}
	}
}

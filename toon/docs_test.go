package toon

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocs_ExamplesSayWhatTheyShow decodes each toon block of docs/toon.md and
// compares it with the json block that follows.
func TestDocs_ExamplesSayWhatTheyShow(t *testing.T) {
	page, err := os.ReadFile("../docs/toon.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for part := range strings.SplitSeq(string(page), "```toon\n") {
		text, rest, ok := strings.Cut(part, "```\n```json\n")
		if !ok {
			continue
		}
		examples++
		want, _, _ := strings.Cut(rest, "\n```")
		if diff := cmp.Diff(want, jsonOf(t, decoded(t, text))); diff != "" {
			t.Errorf("%s(-page +decoded):\n%s", text, diff)
		}
	}
	if examples < 8 {
		t.Errorf("found %d examples", examples)
	}
}

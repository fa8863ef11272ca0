package schema_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/schema"
)

func TestLoad_ThreeFormatsSayTheSame(t *testing.T) {
	for _, path := range files(t, "testdata/valid", ".json") {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			var first *schema.Result
			for _, ending := range []string{".json", ".yaml", ".toon"} {
				r, err := schema.Load(schema.Options{Path: strings.TrimSuffix(path, ".json") + ending, Known: known()})
				if err != nil {
					t.Fatalf("%s:\n%v", ending, err)
				}
				if first == nil {
					first = r
					continue
				}
				if diff := cmp.Diff(first.Config, r.Config); diff != "" {
					t.Errorf("%s differs from .json (-json +%s):\n%s", name+ending, ending[1:], diff)
				}
				if diff := cmp.Diff(string(first.Raw), string(r.Raw)); diff != "" {
					t.Errorf("Raw of %s differs from .json:\n%s", name+ending, diff)
				}
			}
		})
	}
}

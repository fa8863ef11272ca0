package schema_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/aimux/aimux/schema"
)

// TestFromJSON_SaysWhatLoadSaidUnlessThatHadDoubts lets who has just loaded a
// file do without reading the document embedded of it.
func TestFromJSON_SaysWhatLoadSaidUnlessThatHadDoubts(t *testing.T) {
	variable := regexp.MustCompile(`env:[A-Z0-9_]+`)
	usual := []string{"AIMUX_ROUTING__STRATEGY=ordered", "ZAI_API_KEY=z", "CEREBRAS_API_KEY=c", "CEREBRAS_API_KEY_2=d", "ANTHROPIC_API_KEY=a", "OPENAI_API_KEY=o"}
	compared := 0
	for _, pattern := range []string{"testdata/valid/*", "../examples/*.toon", "../examples/*.json", "../examples/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			environ := slices.Clone(usual)
			for _, name := range variable.FindAllString(string(data), -1) {
				environ = append(environ, name[len("env:"):]+"=x")
			}
			loaded, err := schema.Load(schema.Options{Path: path, Environ: environ, Known: known()})
			if err != nil || len(loaded.Warnings) > 0 {
				continue
			}
			compared++
			again, err := schema.FromJSON(loaded.Raw, schema.Options{Path: path, Environ: environ, Known: known()})
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if !reflect.DeepEqual(loaded.Config, again.Config) || !reflect.DeepEqual(loaded.EnvUsed, again.EnvUsed) {
				t.Errorf("%s: the document embedded says something else", path)
			}
		}
	}
	if compared < 5 {
		t.Errorf("only %d documents could be compared", compared)
	}
}

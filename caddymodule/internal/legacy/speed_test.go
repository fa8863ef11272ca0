package legacy

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestImport_AFullFileOfAnythingTakesNoLongTime guards against work that grows with
// the square of a file.
func TestImport_AFullFileOfAnythingTakesNoLongTime(t *testing.T) {
	repeat := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < maxFile/4; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, file := range map[string][2]string{
		"keys of a provider": {"config.json", `{"providers":[{"name":"zai","endpoint":"https://api.z.ai","api_keys":[` + repeat(`"k%07d-abc",`) + `""]}]}`},
		"providers":          {"config.json", `{"providers":[` + repeat(`{"name":"p%d","api_key":"k%[1]d-abcdefgh","endpoint":"https://h%[1]d.example/v1"},`) + `{}]}`},
		"names of an object": {"config.json", `{"default_provider":"x","providers":{` + repeat(`"n%d":1,`) + `"a":{"api_key":"x"}}}`},
		"variables":          {"x.env", repeat("P%d_API_KEY=k%[1]d-abcdefgh\n")},
		"sections":           {"x.toon", repeat("[p%d]\napi_key = k%[1]d-abcdefgh\n")},
		"broken":             {"config.json", `{"apiKey":` + repeat("[syn_fake%09d ")},
		"nested":             {"config.json", `{"apiKey":` + strings.Repeat("[", maxFile/4)},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/" + file[0]
			write(t, path, file[1])
			began := time.Now()
			got, err := Import([]string{path}, testOptions())
			if err != nil {
				t.Logf("refused: %v", err)
			} else {
				_ = got.Report.String()
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s", took)
			} else {
				t.Logf("took %s", took)
			}
			_ = os.Remove(path)
		})
	}
}

func BenchmarkImport_V1(b *testing.B) {
	o := testOptions()
	for b.Loop() {
		if _, err := Import([]string{"testdata/import/v1/in"}, o); err != nil {
			b.Fatal(err)
		}
	}
}

package schema_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/aimux/aimux/schema"
)

func BenchmarkLoad(b *testing.B) {
	for _, path := range []string{"../examples/team.toon", "../examples/team.json", "../examples/team.yaml"} {
		b.Run(path[len("../examples/"):], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := schema.Load(schema.Options{Path: path, Known: exampleKinds()}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFromJSON is what a reload costs in provisioning.
func BenchmarkFromJSON(b *testing.B) {
	r, err := schema.Load(schema.Options{Path: "../examples/team.toon", Known: exampleKinds()})
	if err != nil {
		b.Fatal(err)
	}
	raw := regexp.MustCompile(`"file:[^"]*"`).ReplaceAll(r.Raw, []byte(`"env:BENCH_KEY"`))
	environ := append(os.Environ(), "BENCH_KEY=x")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schema.FromJSON(raw, schema.Options{Known: exampleKinds(), Environ: environ}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad_Bombs(b *testing.B) {
	for name, text := range bombs() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = schema.Load(schema.Options{Path: name, Data: []byte(text), Known: known()})
			}
		})
	}
}

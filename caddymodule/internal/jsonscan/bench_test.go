package jsonscan

import (
	"io"
	"testing"
)

// BenchmarkSplice is a body with its model replaced, read to its end as the transport does.
func BenchmarkSplice(b *testing.B) {
	insert := []byte(`"another-model"`)
	for name, data := range map[string][]byte{"1KB": body(1), "200KB": body(200)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			buffer := make([]byte, 32<<10)
			for b.Loop() {
				r, _ := Splice(data, 9, 14, insert)
				if _, err := io.CopyBuffer(onlyWriter{io.Discard}, r, buffer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// onlyWriter hides what would read in other pieces.
type onlyWriter struct{ io.Writer }

package audit

import (
	"bytes"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	l := mustOpen(b, options(b))
	e := Event{Actor: "admin", IP: "127.0.0.1", Action: "keys.rotate", Target: "zai-main", After: map[string]string{"secret": "hmac:1122334455667788"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Append(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend_WithoutSync shows what is left beside the disk.
func BenchmarkAppend_WithoutSync(b *testing.B) {
	opts := options(b)
	opts.open = func(path string, flag int) (file, error) {
		f, err := openNoFollow(path, flag)
		return lazyFile{f}, err
	}
	l := mustOpen(b, opts)
	b.ReportAllocs()
	for b.Loop() {
		mustAppend(b, l, 1)
	}
}

func BenchmarkVerify(b *testing.B) {
	opts := options(b)
	opts.open = func(path string, flag int) (file, error) {
		f, err := openNoFollow(path, flag)
		return lazyFile{f}, err
	}
	l := mustOpen(b, opts)
	mustAppend(b, l, 10_000)
	b.ResetTimer()
	for b.Loop() {
		if r := verify(b, opts.Dir, Head{}); !r.OK() {
			b.Fatal(r.Problems)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/record")
}

func BenchmarkOpen_EightMiB(b *testing.B) {
	opts := options(b)
	opts.open = func(path string, flag int) (file, error) {
		f, err := openNoFollow(path, flag)
		return lazyFile{f}, err
	}
	l := mustOpen(b, opts)
	mustAppend(b, l, 15_000)
	mustClose(b, l)
	b.ResetTimer()
	for b.Loop() {
		l, err := Open(b.Context(), opts)
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}

func BenchmarkRecordLine(b *testing.B) {
	r := Record{Seq: 1, Time: "2026-11-22T12:00:00.000000Z", Boot: "boot", Actor: "admin", Action: "keys.rotate", Target: "zai-main", Outcome: "ok", Prev: noHash}
	line, err := r.line()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			b.Fatal(err)
		}
	}
}

// lazyFile never syncs.
type lazyFile struct{ file }

func (lazyFile) Sync() error { return nil }

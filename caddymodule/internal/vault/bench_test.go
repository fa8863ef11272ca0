package vault

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

func BenchmarkGet(b *testing.B) {
	v, _ := small(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Get("zai-main", zai); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	v, _ := small(b)
	s := v.state.Load()
	e := &edit{from: s, doc: s.doc.clone(), keys: s.keys, now: epoch}
	e.aead = s.deks[e.active().ID]
	r := record{ID: "a", Origin: zai, Version: 1}
	text := secret.New(strings.Repeat("k", 64))
	b.ReportAllocs()
	for b.Loop() {
		e.sealAs(&r, text)
	}
}

func BenchmarkOpen_KeyFile(b *testing.B) {
	for _, keys := range []int{2, 1000} {
		b.Run(fmt.Sprintf("%d keys", keys), func(b *testing.B) {
			v, opts := small(b)
			forge(b, v, func(d *document) {
				s := v.state.Load()
				e := &edit{from: s, doc: d, keys: s.keys, now: epoch}
				e.aead = s.deks[e.active().ID]
				for i := len(d.Records); i < keys; i++ {
					if err := e.insert(record{ID: fmt.Sprintf("key-%d", i), Origin: zai, Enabled: true}, secret.New(canary)); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportAllocs()
			for b.Loop() {
				mustOpen(b, opts)
			}
		})
	}
}

func BenchmarkOpen_Passphrase(b *testing.B) {
	opts := passphrase(b, "correct horse battery")
	mustInit(b, opts)
	for b.Loop() {
		mustOpen(b, opts)
	}
}

func BenchmarkRotate(b *testing.B) {
	v, _ := small(b)
	text := secret.New(canary)
	for b.Loop() {
		if _, err := v.Rotate(b.Context(), "zai-main", text); err != nil {
			b.Fatal(err)
		}
	}
}

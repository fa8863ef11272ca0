package auth

import "testing"

func BenchmarkSession(b *testing.B) {
	a, _ := open(b)
	token := enter(b, a, "ann", good)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := a.Session(token, true); !ok {
			b.Fatal("no session")
		}
	}
}

func BenchmarkBasicRemembered(b *testing.B) {
	a, _ := open(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Basic(b.Context(), "Basic YW5uOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==", here); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	h := newHasher(Cost{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.hash(b.Context(), good); err != nil {
			b.Fatal(err)
		}
	}
}

package secret_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

func TestSealed_OpensToWhatWasSealedAndShowsNothing(t *testing.T) {
	for _, text := range []string{"", "sk-canary-123456", strings.Repeat("x", 5000)} {
		s := secret.Seal(text)
		if got, err := s.Open(); got != text || err != nil {
			t.Errorf("%d bytes: got %d, %v", len(text), len(got), err)
		}
		if shown := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); text != "" && strings.Contains(shown, text) {
			t.Errorf("it shows itself: %s", shown)
		}
	}
	if got, err := (secret.Sealed{}).Open(); got != "" || err != nil {
		t.Errorf("the zero value: %q %v", got, err)
	}
}

func BenchmarkSealed_Open(b *testing.B) {
	s := secret.Seal("sk-canary-0123456789abcdef0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Open(); err != nil {
			b.Fatal(err)
		}
	}
}

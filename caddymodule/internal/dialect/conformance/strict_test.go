package conformance

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/anthropic"
	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
	"github.com/aimux/aimux/caddymodule/internal/dialect/responses"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/simulator"
)

var dialects = dialect.NewSet(anthropic.New(), openai.New(), responses.New())

var paths = map[llm.Dialect]string{
	llm.Anthropic: "/v1/messages", llm.OpenAI: "/v1/chat/completions", llm.Responses: "/v1/responses",
}

// Every request of the matrix, translated within the catalogue's policy of a
// vendor's default model, is taken by a simulator of that vendor that refuses
// what the vendor refuses. What cannot be said is an *llm.Error beforehand.
func TestStrictVendors_TakeEveryTranslatedRequest(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "*", "request.*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"cerebras", "zai", "minimax", "synthetic", "openai", "anthropic", "groq", "deepseek", "moonshot"} {
		vendor, ok := provider.Catalogue().Vendor(kind)
		if !ok {
			t.Fatalf("no vendor %s", kind)
		}
		s := simulator.New(simulator.Options{Strict: true, Vendor: kind, NoRequestFaults: true})
		for to := range vendor.Endpoints {
			model := defaultModel(vendor)
			target := &dialect.Target{Provider: kind, Vendor: kind, Model: model, Policy: vendor.Policy(to, model)}
			for _, file := range files {
				from, isSource := strings.CutPrefix(strings.TrimSuffix(filepath.Base(file), ".json"), "request.")
				if !isSource || strings.Contains(from, "-to-") || llm.Dialect(from) == to {
					continue
				}
				t.Run(kind+"/"+string(to)+"/"+filepath.Base(filepath.Dir(file))+"/"+from, func(t *testing.T) {
					send(t, s, llm.Dialect(from), to, file, target)
				})
			}
		}
	}
}

func defaultModel(v *provider.Vendor) string {
	for _, m := range v.Models {
		if m.Default {
			return m.ID
		}
	}
	return "m"
}

func send(t *testing.T, s http.Handler, from, to llm.Dialect, file string, target *dialect.Target) {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := dialects.Get(from).DecodeRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := dialects.Get(to).EncodeRequest(r, target)
	var refused *llm.Error
	if errors.As(err, &refused) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, paths[to], bytes.NewReader(out))
	req.Header.Set("Authorization", "Bearer key")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Anthropic-Version", "2023-06-01")
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		t.Errorf("%d %s\n%s", rec.Code, rec.Body, out)
	}
}

package console_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

// new-api CVE-2026-64859: a list gave secrets away. No answer, record or log
// line holds a secret that went in.
func TestSecrets_GoInAndNeverComeOut(t *testing.T) {
	var log bytes.Buffer
	s := consoletest.Serve(t, consoletest.Settings{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	const canary = "sk-canary-0123456789"
	var all strings.Builder
	for _, name := range []string{"POST /api/providers", "POST /api/keys", "PUT /api/keys/{provider}/{name}"} {
		method, _, _ := strings.Cut(name, " ")
		for range 2 { // the second time it is refused as a conflict
			a := s.Call(t, "admin", method, samples[name].path, samples[name].body)
			fmt.Fprintln(&all, a.Header, a.Body)
		}
		for _, spoiled := range []string{
			strings.Replace(samples[name].body, canary, canary+` x`, 1), strings.Replace(samples[name].body, `"sk-`, `["sk-`, 1),
			strings.Replace(samples[name].body, `"secret"`, `"Secret"`, 1), samples[name].body + canary,
		} {
			a := s.Call(t, "admin", method, samples[name].path, spoiled)
			if a.Status != 400 && a.Status != 422 {
				t.Errorf("%s with %s: %d", name, spoiled, a.Status)
			}
			fmt.Fprintln(&all, a.Header, a.Body)
		}
	}
	if got := s.Secret("mine", "main"); got != canary {
		t.Errorf("the vault holds %q", got)
	}
	for name, p := range samples {
		if method, _, _ := strings.Cut(name, " "); method == "GET" && !p.stream {
			fmt.Fprintln(&all, s.Call(t, "admin", method, p.path, ""))
		}
	}
	data, err := json.Marshal(s.Records())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"answers": all.String(), "audit": string(data), "log": log.String()} {
		if i := strings.Index(text, "canary"); i >= 0 {
			t.Errorf("%s: …%s…", name, text[max(0, i-80):min(len(text), i+40)])
		}
	}
	if !strings.Contains(string(data), "[redacted]") {
		t.Error("the audit log does not say that there was a secret")
	}
}

func TestSecret_HidesFromEveryVerb(t *testing.T) {
	v := struct{ S console.Secret }{"sk-canary"}
	texts := []string{fmt.Sprint(v), fmt.Sprintf("%+v %#v %s %q %x %d", v, v, v.S, v.S, v.S, v.S), v.S.String()}
	data, _ := json.Marshal(v)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", v.S, "v", v)
	texts = append(texts, string(data), log.String())
	for _, text := range texts {
		if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
			t.Errorf("%s", text)
		}
	}
	if v.S.Reveal() != "sk-canary" {
		t.Error("the secret is lost")
	}
}

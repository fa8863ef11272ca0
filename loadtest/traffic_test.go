package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/schema"
	"pgregory.net/rapid"
)

func TestBody_IsJSONOfTheSizeAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(400, 300_000).Draw(t, "size")
		tr := traffic{size: size, stream: rapid.Bool().Draw(t, "stream")}
		b := tr.body(upstreamModel)
		if len(b) > size || len(b) < size-200 {
			t.Errorf("%d bytes instead of %d", len(b), size)
		}
		var r struct {
			Model    string
			Stream   bool
			Messages []struct{ Role, Content string }
		}
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		for i, m := range r.Messages {
			if want := [...]string{"user", "assistant"}[i%2]; i < len(r.Messages)-1 && m.Role != want || m.Content == "" {
				t.Fatalf("message %d is %+v", i, m)
			}
		}
		if r.Model != upstreamModel || r.Stream != tr.stream || r.Messages[len(r.Messages)-1].Role != "user" {
			t.Errorf("model %q, stream %t, %d messages", r.Model, r.Stream, len(r.Messages))
		}
	})
}

func TestTarget_SpeaksTheDialect(t *testing.T) {
	for _, test := range []struct {
		messages     bool
		path, header string
	}{{false, "/v1/chat/completions", "Authorization"}, {true, "/v1/messages", "X-Api-Key"}} {
		got := traffic{messages: test.messages, size: 300}.target("http://here", "m")
		if got.URL != "http://here"+test.path || got.Header.Get(test.header) == "" {
			t.Errorf("%s with %v", got.URL, got.Header)
		}
	}
}

func TestDocuments_AreConfigurationsOfAimux(t *testing.T) {
	five := []string{"http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4", "http://127.0.0.1:5"}
	usual, usualEnv := usualDocument(five)
	faulty, faultyEnv := failoverDocument(five, "127.0.0.1:9", 50)
	for _, test := range []struct {
		name, document string
		env            []string
		models         int
	}{{"usual", usual, usualEnv, 6}, {"failover", faulty, faultyEnv, 1 + 50 + 4*(2*50+2)}} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "aimux.toon")
			if err := os.WriteFile(path, []byte(test.document), 0o600); err != nil {
				t.Fatal(err)
			}
			result, err := schema.Load(schema.Options{Path: path, Environ: test.env})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(result.Config.Models); n != test.models || len(result.Warnings) > 0 {
				t.Errorf("%d models instead of %d, warnings %v", n, test.models, result.Warnings)
			}
		})
	}
}

func TestEachOnce_NeverAsksTwiceForTheSame(t *testing.T) {
	next := eachOnce("http://here", "limited", 10)
	for i := 10; i < 13; i++ {
		var target = traffic{}.target("", "")
		if err := next(&target); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`{"model":"limited-%d",`, i); !strings.HasPrefix(string(target.Body), want) {
			t.Errorf("body %.40s, want %s", target.Body, want)
		}
	}
}

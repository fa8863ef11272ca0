package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/schema"
	"pgregory.net/rapid"
)

func TestBody_IsJSONOfTheSizeAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(400, 300_000).Draw(t, "size")
		tr := traffic{size: size, stream: rapid.Bool().Draw(t, "stream")}
		b := tr.body(firstModel)
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
		if r.Model != firstModel || r.Stream != tr.stream || r.Messages[len(r.Messages)-1].Role != "user" {
			t.Errorf("model %q, stream %t, %d messages", r.Model, r.Stream, len(r.Messages))
		}
	})
}

func TestTarget_SpeaksTheDialect(t *testing.T) {
	for _, test := range []struct {
		traffic            traffic
		path, header, body string
	}{
		{traffic{}, "/v1/chat/completions", "Authorization", `"max_completion_tokens":1000,"stream":false,"messages":[`},
		{traffic{messages: true}, "/v1/messages", "X-Api-Key", `"max_tokens":1000,"stream":false,"messages":[`},
		{traffic{responses: true}, "/v1/responses", "Authorization", `"max_output_tokens":1000,"stream":false,"input":[`},
	} {
		test.traffic.size = 300
		got := test.traffic.target("http://here", "m")
		if got.URL != "http://here"+test.path || got.Header.Get(test.header) == "" || !strings.Contains(string(got.Body), test.body) {
			t.Errorf("%s with %v: %s", got.URL, got.Header, got.Body)
		}
	}
}

func TestTraffic_SaysWhatIsTranslated(t *testing.T) {
	for _, test := range []struct {
		traffic    traffic
		translated bool
	}{
		{traffic{}, false},
		{traffic{messages: true}, true},
		{traffic{messages: true, speaks: bothDialects}, false},
		{traffic{speaks: messagesOnly}, true},
		{traffic{responses: true}, false},
		{traffic{responses: true, speaks: chatAlone}, true},
		{traffic{responses: true, speaks: messagesOnly}, true},
	} {
		if got := test.traffic.translated(); got != test.translated {
			t.Errorf("%+v: %t", test.traffic, got)
		}
	}
}

func TestDocuments_AreConfigurationsOfAimux(t *testing.T) {
	var addresses []string
	for i := range origins {
		addresses = append(addresses, fmt.Sprintf("http://127.0.0.1:%d", i+1))
	}
	tests := map[string]struct {
		document document
		models   int
	}{
		"usual":    {usualDocument(addresses), 6 * len(answers())},
		"failover": {failoverDocument(addresses, "127.0.0.1:9", 50), 50 + 4*2*50},
		"rotation": {rotationDocument(addresses), 2},
		"brownout": {brownDocument(addresses), 3},
		"overload": {overloadDocument(addresses), 1},
		"crowded":  {crowdedDocument(addresses), 2 + 100},
		"secured":  {usualDocument(slices.Repeat([]string{"https://127.0.0.1:1"}, origins)).trusting(savedCertificate(t)), 6 * len(answers())},
	}
	for _, bad := range badProviders() {
		tests[bad.name] = struct {
			document document
			models   int
		}{faultyDocument(bad, addresses, "127.0.0.1:9"), 3}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text, env := test.document.write()
			path := filepath.Join(t.TempDir(), "aimux.toon")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			result, err := schema.Load(schema.Options{Path: path, Environ: env})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(result.Config.Models); n != test.models || len(result.Warnings) > 0 {
				t.Errorf("%d models instead of %d, warnings %v", n, test.models, result.Warnings)
			}
			if len(result.Config.Clients) != 1 || !result.Config.Usage.Enabled {
				t.Error("no client key, or no ledger")
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

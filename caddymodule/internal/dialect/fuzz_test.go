package dialect_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// seed adds every golden file of a form to the corpus.
func seed(f *testing.F, pattern string) {
	for i, name := range names {
		files, _ := filepath.Glob(fmt.Sprintf("testdata/*/"+pattern, name))
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), data)
		}
	}
}

// growth bounds what a body may become: escapes cost up to six bytes for one,
// structure some more.
func growth(in int) int { return 24*in + 4096 }

func FuzzRequest_EveryPair(f *testing.F) {
	seed(f, "request.%s.json")
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		from := dialects.Get(names[int(which)%len(names)])
		r, err := from.DecodeRequest(body)
		if err != nil {
			return
		}
		for _, name := range names {
			out, _, err := dialects.Get(name).EncodeRequest(r, &dialect.Target{Model: "m"})
			if err != nil {
				continue
			}
			if !json.Valid(out) {
				t.Fatalf("%s to %s: not JSON: %q", from.Name(), name, out)
			}
			if len(out) > growth(len(body)) {
				t.Fatalf("%s to %s: %d bytes became %d", from.Name(), name, len(body), len(out))
			}
		}
		if _, _, err := dialect.ApplyPolicy(body, from.Name(), &dialect.Policy{NoDeveloper: true, SystemFirst: true, Reasoning: "reasoning", Drop: []string{"tools"}}); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzResponse_EveryPair(f *testing.F) {
	seed(f, "response.%s.json")
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		from := dialects.Get(names[int(which)%len(names)])
		a, err := from.DecodeResponse(body)
		if err != nil {
			return
		}
		for _, name := range names {
			out, err := dialects.Get(name).EncodeResponse(a, nil)
			if err == nil && !json.Valid(out) {
				t.Fatalf("%s to %s: not JSON: %q", from.Name(), name, out)
			}
		}
	})
}

func FuzzStream_EveryPair(f *testing.F) {
	seed(f, "stream.%s.sse")
	f.Fuzz(func(t *testing.T, which uint8, stream []byte) {
		from := dialects.Get(names[int(which)%len(names)])
		events, err := decodeStream(from, stream)
		if err != nil {
			return
		}
		fold(t, events)
		for _, name := range names {
			out := encodeStream(dialects.Get(name), &llm.Request{Model: "m", IncludeUsage: true}, events)
			again, err := decodeStream(dialects.Get(name), out)
			if err != nil {
				t.Fatalf("%s to %s: %v\n%s", from.Name(), name, err, out)
			}
			fold(t, again)
		}
	})
}

package dialect_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The matrix: each folder of testdata is a case. A file request.X.json,
// response.X.json or stream.X.sse is what arrives in dialect X; X-to-Y is what
// leaves in dialect Y. policy.json is the target's policy, if not the zero one.

func TestMatrix_EveryCaseInEveryPairOfDialects(t *testing.T) {
	cases, err := filepath.Glob("testdata/*")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, dir := range cases {
		for _, from := range names {
			for _, to := range names {
				t.Run(fmt.Sprintf("%s/%s-to-%s", filepath.Base(dir), from, to), func(t *testing.T) {
					pair{dir, dialects.Get(from), dialects.Get(to)}.run(t)
				})
			}
		}
	}
}

type pair struct {
	dir      string
	from, to dialect.Dialect
}

func (p pair) run(t *testing.T) {
	if in, ok := p.read(t, "request.%s.json"); ok {
		p.golden(t, "request.%s-to-%s.json", p.request(t, in))
	}
	if in, ok := p.read(t, "response.%s.json"); ok {
		p.golden(t, "response.%s-to-%s.json", p.response(t, in))
	}
	if in, ok := p.read(t, "stream.%s.sse"); ok {
		p.golden(t, "stream.%s-to-%s.sse", p.stream(t, in))
	}
}

func (p pair) read(t *testing.T, pattern string) ([]byte, bool) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, fmt.Sprintf(pattern, p.from.Name())))
	if errors.Is(err, os.ErrNotExist) {
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return data, true
}

// request translates a request. What was dropped, and a refusal, are part of
// the golden file.
func (p pair) request(t *testing.T, in []byte) []byte {
	t.Helper()
	r, err := p.from.DecodeRequest(in)
	if err != nil {
		t.Fatal(err)
	}
	out, dropped, err := p.to.EncodeRequest(r, p.target(t))
	if err != nil {
		var e *llm.Error
		if !errors.As(err, &e) {
			t.Fatalf("%T %v", err, err)
		}
		_, _, body := p.from.EncodeError(e)
		return pretty(t, body)
	}
	if _, err := p.to.DecodeRequest(out); err != nil {
		t.Errorf("its own dialect cannot read the request: %v", err)
	}
	if len(dropped) == 0 {
		return pretty(t, out)
	}
	return append(pretty(t, out), "dropped: "+strings.Join(dropped, ", ")+"\n"...)
}

func (p pair) target(t *testing.T) *dialect.Target {
	t.Helper()
	target := &dialect.Target{Provider: "p", Vendor: "v", Model: "target-model", Policy: &dialect.Policy{}}
	data, err := os.ReadFile(filepath.Join(p.dir, "policy.json"))
	if err == nil {
		err = json.Unmarshal(data, target.Policy)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return target
}

// client is the request that an answer is encoded for: the case's own in the
// client's dialect, or a plain one.
func (p pair) client(t *testing.T) *llm.Request {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, fmt.Sprintf("client.%s.json", p.to.Name())))
	if err != nil {
		return &llm.Request{Model: "my-model", Stream: true, IncludeUsage: true, Extra: llm.Extra{From: p.to.Name()}}
	}
	r, err := p.to.DecodeRequest(data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (p pair) response(t *testing.T, in []byte) []byte {
	t.Helper()
	if _, err := p.from.CheckResponse(in); err != nil {
		t.Fatal(err)
	}
	a, err := p.from.DecodeResponse(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.to.EncodeResponse(a, p.client(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.to.CheckResponse(out); err != nil {
		t.Errorf("its own dialect does not take the answer: %v", err)
	}
	return pretty(t, out)
}

func (p pair) stream(t *testing.T, in []byte) []byte {
	t.Helper()
	events, err := decodeStream(p.from, in)
	if err != nil {
		t.Fatal(err)
	}
	fold(t, events)
	out := encodeStream(p.to, p.client(t), events)
	again, err := decodeStream(p.to, out)
	if err != nil {
		t.Fatalf("its own dialect cannot read the stream: %v", err)
	}
	fold(t, again)
	return out
}

var clock = regexp.MustCompile(`("(?:created|completed)_at":\s*)\d+`)

func (p pair) golden(t *testing.T, pattern string, got []byte) {
	t.Helper()
	got = clock.ReplaceAll(got, []byte("${1}1790000000"))
	name := filepath.Join(p.dir, fmt.Sprintf(pattern, p.from.Name(), p.to.Name()))
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s:\n%s", name, diff)
	}
}

func pretty(t *testing.T, body []byte) []byte {
	t.Helper()
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(json.RawMessage(body)); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, body)
	}
	return []byte(out.String())
}

// A case that has an answer both whole and streamed holds one answer.
func TestMatrix_FoldedStreamIsTheWholeAnswer(t *testing.T) {
	for _, d := range names {
		streams, _ := filepath.Glob(fmt.Sprintf("testdata/*/stream.%s.sse", d))
		for _, name := range streams {
			whole, err := os.ReadFile(filepath.Join(filepath.Dir(name), fmt.Sprintf("response.%s.json", d)))
			if err != nil {
				continue
			}
			t.Run(filepath.Base(filepath.Dir(name))+"/"+string(d), func(t *testing.T) {
				want, err := dialects.Get(d).DecodeResponse(whole)
				if err != nil {
					t.Fatal(err)
				}
				stream, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				events, err := decodeStream(dialects.Get(d), stream)
				if err != nil {
					t.Fatal(err)
				}
				got, failure := fold(t, events)
				if failure != nil {
					t.Fatal(failure)
				}
				if diff := cmp.Diff(normal(want), normal(got)); diff != "" {
					t.Error(diff)
				}
				var f llm.Folder
				f.Add(events)
				if got, failure = f.Response(); failure != nil {
					t.Fatal(failure)
				}
				if diff := cmp.Diff(normal(want), normal(got)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// normal is an answer without what only tells whole and streamed apart.
func normal(a *llm.Response) *llm.Response {
	c := *a
	c.Extra, c.Created, c.Blocks = llm.Extra{}, 0, nil
	for _, b := range a.Blocks {
		b.Extra = llm.Extra{}
		b.Raw, b.Citations = wire.Compact(b.Raw), wire.Compact(b.Citations)
		if b.Call != nil {
			call := *b.Call
			call.ItemID, call.Input = "", wire.Compact(call.Input)
			b.Call = &call
		}
		c.Blocks = append(c.Blocks, b)
	}
	return &c
}

package dialect_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/google/go-cmp/cmp"
)

// A request's body is a pooled buffer: once the exchange is over it holds
// another client's prompt. What goes into records, logs, headers and errors
// must not change with it.

// outlives fails if what read returns of body changes when the bytes of body
// do. It returns what it was.
func outlives[T any](t *testing.T, body string, read func(body []byte) T) T {
	t.Helper()
	want, lent := read([]byte(body)), []byte(body)
	got := read(lent)
	overwrite(lent)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changed with the bytes of %s\n%s", body, diff)
	}
	return want
}

func overwrite(b []byte) {
	for i := range b {
		b[i] = '#'
	}
}

// unknown is a request of each dialect with members that no dialect knows, at
// the top and below it.
var unknown = map[llm.Dialect]string{
	llm.Anthropic: `{"mine":1,"model":"m","max_tokens":9,"top_k":5,"output_config":{"own":2},"metadata":{"user_id":"u"},` +
		`"tools":[{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":"hi","shade":1}]}`,
	llm.OpenAI: `{"mine":1,"model":"m","metadata":{"a":"b"},"seed":7,"tools":[{"type":"gadget"}],"messages":[{"role":"user","content":"hi","shade":1}]}`,
	llm.Responses: `{"mine":1,"model":"m","metadata":{"a":"b"},"truncation":"auto","tools":[{"type":"gadget"}],` +
		`"input":[{"type":"message","role":"user","content":"hi","shade":1}]}`,
}

func TestEncodeRequest_NamesOfDroppedMembersOutliveTheBody(t *testing.T) {
	only := &dialect.Policy{Allow: []string{"model", "messages", "input"}}
	for from, body := range unknown {
		for _, to := range names {
			t.Run(fmt.Sprintf("%s-to-%s", from, to), func(t *testing.T) {
				dropped := outlives(t, body, func(body []byte) []string {
					_, dropped, err := encodedAs(body, from, to, only)
					if err != nil {
						t.Fatal(err)
					}
					return dropped
				})
				if !slices.Contains(dropped, "mine") {
					t.Errorf("dropped %q", dropped)
				}
			})
		}
	}
}

func TestEncodeRequest_WhatItWritesOutlivesTheBody(t *testing.T) {
	for _, from := range names {
		requests, _ := filepath.Glob(fmt.Sprintf("testdata/*/request.%s.json", from))
		for _, name := range requests {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, to := range names {
				p := pair{filepath.Dir(name), dialects.Get(from), dialects.Get(to)}
				t.Run(fmt.Sprintf("%s/%s-to-%s", filepath.Base(p.dir), from, to), func(t *testing.T) {
					policy := p.target(t).Policy
					outlives(t, string(body), func(body []byte) []any {
						out, dropped, err := encodedAs(body, from, to, policy)
						return []any{out, dropped, err}
					})
				})
			}
		}
	}
}

func TestApplyPolicy_NamesOfDroppedMembersOutliveTheBody(t *testing.T) {
	for d, body := range unknown {
		t.Run(string(d), func(t *testing.T) {
			dropped := outlives(t, body, func(body []byte) []string {
				_, dropped, err := dialect.ApplyPolicy(body, d, &dialect.Policy{Drop: []string{"mine"}})
				if err != nil {
					t.Fatal(err)
				}
				return dropped
			})
			if !slices.Contains(dropped, "mine") {
				t.Errorf("dropped %q", dropped)
			}
		})
	}
}

func encodedAs(body []byte, from, to llm.Dialect, p *dialect.Policy) ([]byte, []string, error) {
	r, err := dialects.Get(from).DecodeRequest(body)
	if err != nil {
		return nil, nil, err
	}
	return dialects.Get(to).EncodeRequest(r, &dialect.Target{Model: "up", Policy: p})
}

func TestErrors_OfARequestOutliveTheBody(t *testing.T) {
	refuse := &dialect.Policy{Refuse: []string{"seed", "mine"}}
	for _, tt := range []struct {
		name     string
		from, to llm.Dialect
		body     string
	}{
		{"unknown role", llm.Anthropic, llm.OpenAI, `{"messages":[{"role":"wizard","content":"x"}]}`},
		{"unknown role", llm.OpenAI, llm.Anthropic, `{"messages":[{"role":"wizard","content":"x"}]}`},
		{"unknown role", llm.Responses, llm.OpenAI, `{"input":[{"type":"message","role":"wizard","content":"x"}]}`},
		{"wrong type", llm.Anthropic, llm.OpenAI, `{"messages":7}`},
		{"wrong type", llm.Responses, llm.OpenAI, `{"input":[{"role":"user","content":7}]}`},
		{"no JSON", llm.Anthropic, llm.OpenAI, `{"messages"`},
		{"refused by the policy", llm.Anthropic, llm.Anthropic, `{"mine":1,"messages":[]}`},
		{"refused by the policy", llm.OpenAI, llm.OpenAI, `{"seed":1,"messages":[]}`},
		{"refused by the policy", llm.Responses, llm.Responses, `{"mine":1,"input":"x"}`},
		{"a thread", llm.Anthropic, llm.OpenAI, `{"thread":{"id":"t"},"messages":[]}`},
		{"servers", llm.Anthropic, llm.Responses, `{"mcp_servers":[{"url":"u"}],"messages":[]}`},
		{"many answers", llm.OpenAI, llm.Anthropic, `{"n":2,"messages":[]}`},
		{"a response before", llm.Responses, llm.OpenAI, `{"previous_response_id":"resp_1","input":"x"}`},
	} {
		t.Run(fmt.Sprintf("%s/%s-to-%s", tt.name, tt.from, tt.to), func(t *testing.T) {
			outlives(t, tt.body, func(body []byte) *llm.Error {
				_, _, err := encodedAs(body, tt.from, tt.to, refuse)
				return asError(t, err)
			})
		})
	}
	for d, body := range unknown {
		t.Run(fmt.Sprintf("ApplyPolicy/%s", d), func(t *testing.T) {
			outlives(t, body, func(body []byte) *llm.Error {
				_, _, err := dialect.ApplyPolicy(body, d, refuse)
				return asError(t, err)
			})
		})
	}
}

// asError is the llm.Error that err has to be.
func asError(t *testing.T, err error) *llm.Error {
	t.Helper()
	e, ok := err.(*llm.Error)
	if !ok || e == nil {
		t.Fatalf("%T %v", err, err)
	}
	return e
}

// failures are answers with a failure in them whose every string differs.
var failures = []string{
	`{"error":{"message":"busy now","type":"overloaded_error","param":"model","code":"c1","details":{"error_code":"d1"}}}`,
	`{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`,
	`{"error":"out of tokens"}`,
	`{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"},"choices":null}`,
	`{"message":"high traffic","type":"too_many_requests_error","param":"queue","code":"queue_exceeded"}`,
	`{"error":{"message":"[1305][overloaded][trace]"}}`,
	`{"choices":[{"message":{"content":"half"},"finish_reason":"network_error"}]}`,
	`{"choices":[{"message":{"content":""},"finish_reason":"error","error":{"code":502,"message":"upstream broke"}}]}`,
	`{"status":"failed","error":{"code":"server_error","message":"Please try again in 2s."},"output":[]}`,
}

func TestErrors_OfAnAnswerOutliveTheBody(t *testing.T) {
	for _, name := range names {
		d := dialects.Get(name)
		for _, body := range append(failures[:len(failures):len(failures)], "bad gateway", "<html>") {
			outlives(t, body, func(body []byte) *llm.Error { return d.DecodeError(500, nil, body) })
			outlives(t, body, func(body []byte) string { _, err := d.CheckResponse(body); return fmt.Sprint(err) })
			outlives(t, body, func(body []byte) any { _, err := d.CheckResponse(body); return failure(err) })
			outlives(t, body, func(body []byte) any { _, err := d.DecodeResponse(body); return failure(err) })
		}
	}
}

// failure is err if it is a provider's failure, nil if not.
func failure(err error) *llm.Error {
	e, _ := err.(*llm.Error)
	return e
}

func TestErrors_OfAStreamOutliveTheEvent(t *testing.T) {
	for _, name := range names {
		d := dialects.Get(name)
		for _, data := range append(failures[:len(failures):len(failures)],
			`{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"broke"}}}`,
			`{"type":"response.completed","response":{"status":"failed","error":{"code":"server_error","message":"broke"}}}`,
			`{"choices":[{"delta":{"content":""},"finish_reason":"error"}]}`) {
			for _, typ := range []string{"", "error"} {
				outlives(t, data, func(data []byte) *llm.Error {
					return d.Inspect(&sse.Event{Type: []byte(typ), Data: data}).Err
				})
				outlives(t, data, func(data []byte) []*llm.Error {
					events, err := d.NewStreamDecoder().Decode(nil, &sse.Event{Type: []byte(typ), Data: data})
					errs := []*llm.Error{failure(err)}
					for i := range events {
						errs = append(errs, events[i].Err)
					}
					return errs
				})
			}
		}
	}
}

// The reader of a stream writes each event over the one before.
func TestStreams_NothingOfAnEventIsNeededAfterIt(t *testing.T) {
	for _, from := range names {
		streams, _ := filepath.Glob(fmt.Sprintf("testdata/*/stream.%s.sse", from))
		for _, name := range streams {
			stream, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, to := range names {
				t.Run(fmt.Sprintf("%s/%s-to-%s", filepath.Base(filepath.Dir(name)), from, to), func(t *testing.T) {
					want := restream(t, stream, from, to, func([]byte) {})
					got := restream(t, stream, from, to, overwrite)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

// restream translates a stream an event at a time; after is done to the bytes
// of each once it is encoded.
func restream(t *testing.T, stream []byte, from, to llm.Dialect, after func([]byte)) string {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(stream), sse.Options{})
	defer r.Close()
	decoder := dialects.Get(from).NewStreamDecoder()
	encoder := dialects.Get(to).NewStreamEncoder(&llm.Request{Model: "my-model", Stream: true, IncludeUsage: true})
	var out []byte
	encode := func(events []llm.Event) {
		for i := range events {
			out = encoder.Encode(out, &events[i])
		}
	}
	for ev, err := r.Next(); err == nil; ev, err = r.Next() {
		own := sse.Event{Type: bytes.Clone(ev.Type), Data: bytes.Clone(ev.Data), Comment: ev.Comment}
		events, err := decoder.Decode(nil, &own)
		if err != nil {
			t.Fatal(err)
		}
		encode(events)
		after(own.Type)
		after(own.Data)
	}
	encode(decoder.Close(nil))
	return string(clock.ReplaceAll(out, []byte("${1}0")))
}

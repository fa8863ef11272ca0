package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/aimux/aimux/caddymodule/simulator"
)

// ask sends a request of the common vocabulary to a simulated vendor.
func ask(t *testing.T, s http.Handler, d dialect.Dialect, r *llm.Request, target *dialect.Target, fault string) *httptest.ResponseRecorder {
	t.Helper()
	body, _, err := d.EncodeRequest(r, target)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, paths[d.Name()], bytes.NewReader(body))
	req.Header.Set("Authorization", "Bearer key")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Anthropic-Version", "2023-06-01")
	if fault != "" {
		req.Header.Set("X-Sim-Fault", fault)
	}
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, req)
	return rec
}

// events decodes a stream. A stream that cannot be read ends in an error.
func events(d dialect.Dialect, stream []byte) ([]llm.Event, error) {
	r := sse.NewReader(bytes.NewReader(stream), sse.Options{})
	defer r.Close()
	dec := d.NewStreamDecoder()
	var list []llm.Event
	for {
		ev, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dec.Close(list), nil
		}
		if err != nil {
			return list, err
		}
		own := *ev
		own.Data = bytes.Clone(ev.Data)
		if list, err = dec.Decode(list, &own); err != nil {
			return list, err
		}
	}
}

func request(text string, stream bool) *llm.Request {
	return &llm.Request{Model: "m", MaxTokens: 4096, Stream: stream, Reasoning: &llm.Reasoning{Effort: "high"},
		Messages: []llm.Message{{Role: llm.RoleUser, Blocks: []llm.Block{{Kind: llm.KindText, Text: text}}}},
		Tools:    []llm.Tool{{Name: "ls", Schema: []byte(`{"type":"object","properties":{"p":{"type":"string"}}}`)}}}
}

// each calls run for every endpoint of the vendors that deviate.
func each(t *testing.T, run func(t *testing.T, s http.Handler, d dialect.Dialect, target *dialect.Target)) {
	t.Helper()
	for _, kind := range []string{"cerebras", "zai", "minimax", "synthetic", "openai", "anthropic", "groq", "deepseek", "moonshot"} {
		vendor, ok := provider.Catalogue().Vendor(kind)
		if !ok {
			t.Fatalf("no vendor %s", kind)
		}
		for name := range vendor.Endpoints {
			model := defaultModel(vendor)
			target := &dialect.Target{Provider: kind, Vendor: kind, Model: model, Policy: vendor.Policy(name, model)}
			t.Run(kind+"/"+string(name), func(t *testing.T) {
				run(t, simulator.New(simulator.Options{Vendor: kind}), dialects.Get(name), target)
			})
		}
	}
}

// What a vendor answers, whole and streamed, says the same for every client.
func TestVendors_AnswersAreUnderstoodWholeAndStreamed(t *testing.T) {
	each(t, func(t *testing.T, s http.Handler, d dialect.Dialect, target *dialect.Target) {
		for _, prompt := range []string{"hello", `call:ls {"p":"."} call:ls {"p":"ü\""}`} {
			rec := ask(t, s, d, request(prompt, false), target, "")
			if _, err := d.CheckResponse(rec.Body.Bytes()); rec.Code != http.StatusOK || err != nil {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
			whole, err := d.DecodeResponse(rec.Body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			list, err := events(d, ask(t, s, d, request(prompt, true), target, "").Body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			var f llm.Folder
			f.Add(list)
			streamed, failure := f.Response()
			if failure != nil {
				t.Fatal(failure)
			}
			if a, b := shape(whole), shape(streamed); a != b || !strings.Contains(a, "text") && !strings.Contains(a, "call") {
				t.Errorf("whole %s, streamed %s", a, b)
			}
			if !whole.Usage.Known || !streamed.Usage.Known {
				t.Errorf("usage %+v %+v", whole.Usage, streamed.Usage)
			}
		}
	})
}

// shape is what an answer consists of, calls with their input.
func shape(a *llm.Response) string {
	var sb strings.Builder
	for _, b := range a.Blocks {
		switch b.Kind {
		case llm.KindText:
			sb.WriteString("text ")
		case llm.KindThinking:
			sb.WriteString("thinking ")
		case llm.KindToolCall:
			fmt.Fprintf(&sb, "call %s %s ", b.Call.Name, b.Call.Input)
		}
	}
	return sb.String() + string(a.Stop)
}

// A stream that goes wrong is an error for every client, never a whole answer;
// one that is only odd is a whole answer.
func TestVendors_StreamFaultsAreNeverASilentEnd(t *testing.T) {
	each(t, func(t *testing.T, s http.Handler, d dialect.Dialect, target *dialect.Target) {
		for fault, wantErr := range streamFaults {
			rec := ask(t, s, d, request("hello", true), target, fault)
			list, err := events(d, rec.Body.Bytes())
			var f llm.Folder
			f.Add(list)
			_, failure := f.Response()
			if failed := err != nil || failure != nil; failed != wantErr {
				t.Errorf("%s: failed %v (%v, %v)\n%s", fault, failed, err, failure, rec.Body)
			}
		}
	})
}

// streamFaults are the simulator's faults of a stream, and whether they leave
// no whole answer.
var streamFaults = map[string]bool{
	"error-first": true, "error-mid": true, "cut": true, "cut-event": true, "error-200;after=2": true, "malformed": true,
	"no-blank-line": false, "crlf": false, "cr": false, "no-space": false, "multi-line": false, "split": false, "comments": false,
	"unknown-event": false, "double-stop": false, "early-delta": false, "usage-late": false, "after-done": false,
	"no-usage": false, "bom": false, "bad-utf8": false,
}

// However a Chat or Messages vendor spells parallel calls, they are the same calls.
func TestVendors_OddCallsAreTheSameCalls(t *testing.T) {
	const prompt = `call:ls {"p":"."} call:ls {"p":"ü\""}`
	each(t, func(t *testing.T, s http.Handler, d dialect.Dialect, target *dialect.Target) {
		want := calls(t, s, d, target, prompt, "")
		if len(want) != 2 {
			t.Fatalf("calls %q", want)
		}
		faults := []string{"whole-args", "split-args", "no-done"}
		if d.Name() == llm.OpenAI {
			faults = append(faults, "interleave", "no-ids", "repeat-ids", "finish-stop", "no-finish")
		}
		if d.Name() == llm.Responses {
			faults = faults[:2] // without its terminal event a Responses stream is not whole
		}
		for _, fault := range faults {
			if got := calls(t, s, d, target, prompt, fault); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s: %q, want %q", fault, got, want)
			}
		}
	})
}

// calls are the inputs of the calls in a streamed answer.
func calls(t *testing.T, s http.Handler, d dialect.Dialect, target *dialect.Target, prompt, fault string) []string {
	t.Helper()
	list, err := events(d, ask(t, s, d, request(prompt, true), target, fault).Body.Bytes())
	if err != nil {
		t.Fatal(fault, err)
	}
	var f llm.Folder
	f.Add(list)
	a, failure := f.Response()
	if failure != nil {
		t.Fatal(fault, failure)
	}
	if a.Stop != llm.StopTool {
		t.Errorf("%s: stop %q", fault, a.Stop)
	}
	var inputs []string
	ids := map[string]bool{}
	for _, b := range a.Blocks {
		if b.Kind == llm.KindToolCall {
			inputs = append(inputs, string(b.Call.Input))
			ids[b.Call.ID] = true
		}
	}
	if len(ids) != len(inputs) || ids[""] {
		t.Errorf("%s: ids %v", fault, ids)
	}
	return inputs
}

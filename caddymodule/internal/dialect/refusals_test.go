package dialect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Answers that pass through are judged by CheckResponse, those that are
// translated by DecodeResponse, and the same answer is a failure to both: or a
// client gets half of it, where another provider would have given the whole.

// An answerSketch is a whole answer in pieces, for putting failures in.
type answerSketch struct{ head, choice, tail string }

func (s answerSketch) with(top, choice string) string {
	return "{" + top + s.head + choice + s.choice + s.tail + "}"
}

// sketches are answers of each dialect, none of them a failure.
var sketches = map[llm.Dialect]answerSketch{
	llm.Anthropic: {`"id":"msg_1","role":"assistant","stop_reason":"end_turn","content":[{`, `"type":"text","text":"half"`, `}]`},
	llm.OpenAI:    {`"id":"c","choices":[{`, `"index":0,"message":{"role":"assistant","content":"half"}`, `}]`},
	llm.Responses: {`"id":"resp_1","output":[{`, `"type":"message","role":"assistant","content":[{"type":"output_text","text":"half"}]`, `}]`},
}

// Signs of failure as they are put in front of an answer's own members, and of
// those of its first choice.
var (
	topSigns = []string{"", `"error":{"message":"broke","code":"server_error"},`, `"error":"broke",`, `"error":null,`, `"error":{},`, `"type":"error",`,
		`"success":false,"code":500,`, `"base_resp":{"status_code":1002,"status_msg":"broke"},`, `"base_resp":{"status_code":0},`,
		`"message":"broke","code":"x",`, `"status":"failed",`, `"status":"failed","error":{"message":"broke"},`, `"status":"incomplete",`, `"stop_reason":null,`}
	choiceSigns = []string{"", `"finish_reason":"stop",`, `"finish_reason":"network_error",`, `"finish_reason":"error",`, `"finish_reason":null,`,
		`"finish_reason":"error","error":{"code":502,"message":"broke"},`, `"error":{"code":429,"message":"broke"},`, `"error":null,`, `"error":{},`, `"message":null,`}
)

func TestCheckResponse_RefusesTheFailuresThatDecodeResponseRefuses(t *testing.T) {
	for name, sketch := range sketches {
		d := dialects.Get(name)
		for _, top := range topSigns {
			for _, choice := range choiceSigns {
				sameVerdict(t, d, sketch.with(top, choice))
			}
		}
		if _, err := d.CheckResponse([]byte(sketch.with("", ""))); err != nil {
			t.Errorf("%s: a good answer: %v", name, err)
		}
	}
}

// sameVerdict fails unless CheckResponse and DecodeResponse say the same of body.
func sameVerdict(t interface{ Errorf(string, ...any) }, d dialect.Dialect, body string) {
	_, checked := d.CheckResponse([]byte(body))
	_, decoded := d.DecodeResponse([]byte(body))
	if diff := cmp.Diff(failure(decoded), failure(checked)); diff != "" || (checked == nil) != (decoded == nil) {
		t.Errorf("%s: CheckResponse %v, DecodeResponse %v\n%s\n%s", d.Name(), checked, decoded, body, diff)
	}
}

func TestCheckResponse_AndDecodeResponseAgreeOnAnyAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "dialect")
		some := func(of []string, what string) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(of), 0, 3).Draw(t, what), "")
		}
		s := sketches[name]
		if rapid.Bool().Draw(t, "behind") { // what comes first counts, or what comes last
			s.choice += strings.TrimSuffix(","+some(choiceSigns, "late"), ",")
			s.tail += strings.TrimSuffix(","+some(topSigns, "last"), ",")
		}
		body := s.with(some(topSigns, "top"), some(choiceSigns, "choice"))
		if cut := rapid.IntRange(0, 3*len(body)).Draw(t, "cut"); cut < len(body) {
			body = body[:cut]
		}
		sameVerdict(t, dialects.Get(name), body)
	})
}

func TestCheckResponse_ChoiceBrokenOffIsAFailure(t *testing.T) {
	for _, tt := range []struct{ name, choices, message string }{
		{"Z.AI", `{"index":0,"message":{"content":"half"},"finish_reason":"network_error"}`, "the provider broke off the answer: network_error"},
		{"OpenRouter", `{"message":{"content":""},"finish_reason":"error","error":{"code":502,"message":"upstream broke"}}`, "upstream broke"},
		{"OpenRouter, the cause first", `{"error":{"code":502,"message":"upstream broke"},"finish_reason":"error","message":{"content":""}}`, "upstream broke"},
		{"a cause alone", `{"message":{"content":""},"finish_reason":"stop","error":{"code":502,"message":"upstream broke"}}`, "upstream broke"},
		{"no message", `{"finish_reason":"error"}`, "the provider broke off the answer: error"},
		{"the second of two", `{"message":{"content":"x"},"finish_reason":"stop"},{"message":{"content":"ha"},"finish_reason":"error"}`, "the provider broke off the answer: error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := []byte(`{"id":"c","choices":[` + tt.choices + `],"usage":{"prompt_tokens":9,"completion_tokens":1}}`)
			d := dialects.Get(llm.OpenAI)
			_, checked := d.CheckResponse(body)
			_, decoded := d.DecodeResponse(body)
			for _, err := range []error{checked, decoded} {
				if e := asError(t, err); e.Class != llm.ClassTransient || e.Message != tt.message {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

func TestCheckResponse_AllocatesNothingButTheAnswer(t *testing.T) {
	for name, sketch := range sketches {
		d := dialects.Get(name)
		for _, choice := range []string{"", `"finish_reason":"stop","error":null,`} {
			body := []byte(sketch.with("", choice))
			if n := testing.AllocsPerRun(100, func() { _, _ = d.CheckResponse(body) }); n > 1 {
				t.Errorf("%s: %v allocations for %s", name, n, body)
			}
		}
	}
}

// BenchmarkCheckResponse is what an answer that passes through is looked at.
func BenchmarkCheckResponse(b *testing.B) {
	for _, n := range []int{1, 1000} {
		text := slices.Repeat([]string{`A sentence of \"some\" words.\n`}, n)
		for _, name := range names {
			s := sketches[name]
			s.choice = strings.Replace(s.choice, "half", strings.Join(text, ""), 1)
			if name == llm.OpenAI {
				s.choice += `,"logprobs":null,"finish_reason":"stop"`
			}
			s.tail += `,"usage":{"prompt_tokens":900,"completion_tokens":200,"input_tokens":900,"output_tokens":200}`
			body := []byte(s.with("", ""))
			b.Run(fmt.Sprintf("%s/%dB", name, len(body)), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := dialects.Get(name).CheckResponse(body); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

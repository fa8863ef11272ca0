package telemetry

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// names is a small configuration.
func names() Names {
	return Names{
		Providers: []Provider{{"zai", "zai"}, {"oa", "openai"}},
		Targets:   []Scope{{"zai", "glm"}, {"oa", "gpt"}},
		Clients:   []string{"alice"},
	}
}

// answered is an exchange that went well at the first attempt.
func answered(provider, model string) *gateway.Record {
	return &gateway.Record{
		ID: "req_1", Dialect: llm.Anthropic, Call: "/v1/messages", Model: "coder", Stream: true, Client: "alice",
		Provider: provider, Target: model, Status: 200, Reason: "ok",
		TTFT: 200 * time.Millisecond, Duration: 1200 * time.Millisecond,
		Usage: llm.Usage{Input: 1000, Output: 101, CacheRead: 600, Reasoning: 20, Known: true},
		Cost:  2500, BytesIn: 4000, Bytes: 900,
		Attempts: []gateway.Attempt{{Provider: provider, Model: model, Key: "main", Status: 200, Reason: "ok",
			Dialect: llm.Anthropic, TTFT: 190 * time.Millisecond, Duration: 1190 * time.Millisecond}},
	}
}

// failedOver is an exchange that failed at zai and was answered by oa.
func failedOver() *gateway.Record {
	r := answered("oa", "gpt")
	r.Attempts = append([]gateway.Attempt{{Provider: "zai", Model: "glm", Key: "main", Status: 529,
		Class: llm.ClassOverload, Reason: "overloaded", Code: "1305", Duration: 50 * time.Millisecond}}, r.Attempts...)
	return r
}

// failed is an exchange that nobody answered.
func failed(class llm.Class, reason string) *gateway.Record {
	return &gateway.Record{
		ID: "req_2", Dialect: llm.OpenAI, Call: "/v1/chat/completions", Model: "coder", Class: class, Reason: reason, Status: 502,
		Duration: 80 * time.Millisecond,
		Attempts: []gateway.Attempt{{Provider: "zai", Model: "glm", Key: "main", Status: 502, Class: class, Reason: reason, Duration: 70 * time.Millisecond}},
	}
}

// clock is a wall clock that stands until it is moved.
type clock struct{ at time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time       { return c.at }
func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }

package dialect_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// A request may be many megabytes, all of one sort. What it costs must grow as
// it does: eight times the work for eight times the size; quadratic work would be
// some forty times as much.

// lists are requests with up to 2n pieces of one sort.
var lists = []struct {
	name     string
	from, to llm.Dialect
	n        int
	body     func(n int) string
}{
	{"unknown members", llm.Responses, llm.OpenAI, 8000, func(n int) string {
		return `{"model":"x","input":"a"` + repeat(n, `,"k%07d":1`) + `}`
	}},
	{"calls of one turn", llm.Anthropic, llm.OpenAI, 4000, func(n int) string {
		return turns(`{"role":"assistant","content":[` + strings.TrimPrefix(repeat(n, `,{"type":"tool_use","id":"k%07d","name":"x"}`), ",") + `]}`)
	}},
	{"calls of one turn by one id", llm.Anthropic, llm.OpenAI, 4000, func(n int) string {
		return turns(`{"role":"assistant","content":[` + strings.TrimPrefix(repeat(n, `,{"type":"tool_use","id":"k","name":"x","input":{"n":%d}}`), ",") + `]}`)
	}},
	{"calls by one id, each answered", llm.Anthropic, llm.OpenAI, 4000, func(n int) string {
		return turns(`{"role":"user","content":"a"}` + repeat(n, `,{"role":"assistant","content":[{"type":"tool_use","id":"k","name":"x","input":{"n":%d}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"k","content":"r"}]}`))
	}},
	{"answers to one id in one turn", llm.Anthropic, llm.OpenAI, 4000, func(n int) string {
		return turns(`{"role":"assistant","content":[` + strings.TrimPrefix(repeat(n, `,{"type":"tool_use","id":"k","name":"x","input":{"n":%d}}`), ",") + `]},` +
			`{"role":"user","content":[` + strings.TrimPrefix(repeat(n, `,{"type":"tool_result","tool_use_id":"k","content":"%d"}`), ",") + `]}`)
	}},
	{"assistant turns in a row", llm.Anthropic, llm.OpenAI, 3000, func(n int) string {
		return turns(`{"role":"user","content":"a"}` + repeat(n, `,{"role":"assistant","content":"%d"}`))
	}},
	{"user turns in a row", llm.OpenAI, llm.Anthropic, 3000, func(n int) string {
		return turns(`{"role":"user","content":"a"}` + repeat(n, `,{"role":"user","content":"%d"}`))
	}},
	{"tools", llm.Responses, llm.OpenAI, 4000, func(n int) string {
		return `{"model":"x","input":"a","tools":[` + strings.TrimPrefix(repeat(n, `,{"type":"function","name":"k%07d"}`), ",") + `]}`
	}},
	{"allowed tools", llm.Responses, llm.Responses, 4000, func(n int) string {
		return `{"model":"x","input":"a","tools":[` + strings.TrimPrefix(repeat(n, `,{"type":"custom","name":"k%07d"}`), ",") + `],` +
			`"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[` + strings.TrimPrefix(repeat(n, `,{"type":"custom","name":"k%07d"}`), ",") + `]}}`
	}},
}

func turns(list string) string { return `{"model":"x","messages":[` + list + `]}` }

func repeat(n int, format string) string {
	var sb strings.Builder
	for i := range n {
		fmt.Fprintf(&sb, format, i)
	}
	return sb.String()
}

func TestRequests_CostGrowsAsTheirSizeDoes(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection within the longer run alone would tell
	for _, tt := range lists {
		t.Run(tt.name, func(t *testing.T) {
			few, many := []byte(tt.body(tt.n/4)), []byte(tt.body(2*tt.n))
			var ratio float64
			for range 5 { // others use the processor too: one calm look is enough
				if ratio = slowdown(func() { translate(t, few, tt.from, tt.to) }, func() { translate(t, many, tt.from, tt.to) }); ratio < 20 {
					return
				}
			}
			t.Errorf("eight times as many take %.1f times as long", ratio)
		})
	}
}

// slowdown is how much longer b takes than a, by the shortest of several runs.
func slowdown(a, b func()) float64 {
	shortA, shortB := timed(a), timed(b)
	for range 4 {
		shortA, shortB = min(shortA, timed(a)), min(shortB, timed(b))
	}
	return float64(shortB) / float64(shortA)
}

func timed(f func()) time.Duration {
	runtime.GC() // what others left behind is not f's
	begun := time.Now()
	f()
	return time.Since(begun)
}

func translate(t testing.TB, body []byte, from, to llm.Dialect) {
	t.Helper()
	r, err := dialects.Get(from).DecodeRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := dialects.Get(to).EncodeRequest(r, &dialect.Target{Model: "m"}); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkRequests_OfManyPieces(b *testing.B) {
	for _, tt := range lists {
		for _, n := range []int{tt.n, 2 * tt.n} {
			body := []byte(tt.body(n))
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(tt.name, " ", "-"), n), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					translate(b, body, tt.from, tt.to)
				}
			})
		}
	}
}

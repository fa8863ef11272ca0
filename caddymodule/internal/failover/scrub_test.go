package failover

import (
	"strings"
	"testing"
)

func TestScrub_TakesOutWhatMustNotTravel(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"openai key", "Incorrect API key provided: sk-proj-abcd1234efgh5678. You can find", "Incorrect API key provided: [removed]. You can find"},
		{"masked key", "provided: sk-abcd***wxyz.", "provided: [removed]."},
		{"anthropic key", "key sk-ant-api03-AbCd_1234-xyz", "key [removed]"},
		{"cerebras key", "csk-0123456789abcdef", "[removed]"},
		{"groq key", "(gsk_AbC0123456789)", "([removed])"},
		{"z.ai key", "token 0123456789abcdef0123456789abcdef.AbCdEfGhIjKlMnOp is bad", "token [removed] is bad"},
		{"synthetic key", "syn_0123456789abcdef", "[removed]"},
		{"JWT", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_123", "Bearer [removed]"},
		{"Google key", "AIzaSyA1234567890abcdefg", "[removed]"},
		{"key glued to something", "0sk-proj-abcdef01234567890 and api_keysk-ant-api03-AbCdEfGh", "[removed] and [removed]"},
		{"key after a colon", "api_key:sk-abc12345678", "api_key:[removed]"},
		{"key after an equals sign", "?key=sk-abc12345678&x", "?key=[removed]&x"},
		{"opaque token", "x 0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v", "x [removed]"},
		{"organisation", "in organization org-AbC123dEf456 on", "in organization [removed] on"},
		{"internal address", "dial tcp 10.2.3.4:8443: connect", "dial tcp [removed]: connect"},
		{"internal host", "upstream inference-7.svc.cluster.local:9000 failed", "upstream [removed] failed"},
		{"control characters", "a\x1b[31mb\x00c\rd", "a [31mb c d"},
		{"invalid UTF-8", "a\xffb", "a\uFFFDb"},
		{"public address stays", "see https://synthetic.new/billing", "see https://synthetic.new/billing"},
		{"model names stay", "model hf:zai-org/GLM-5.2 or claude-haiku-4-5-20251001 or nvidia/NVIDIA-Nemotron-3-Super-120B", "model hf:zai-org/GLM-5.2 or claude-haiku-4-5-20251001 or nvidia/NVIDIA-Nemotron-3-Super-120B"},
		{"words stay", "sk-learn and org-wide and 3.14 and v1.2.3 ...", "sk-learn and org-wide and 3.14 and v1.2.3 ..."},
		{"numbers stay", "prompt is too long: 215000 tokens > 200000 maximum", "prompt is too long: 215000 tokens > 200000 maximum"},
		{"request ids stay", "request_id: req_011CSHoEeqs5C35K2UUqR7Fy", "request_id: req_011CSHoEeqs5C35K2UUqR7Fy"},
		{"other scripts stay", "余额不足，请充值", "余额不足，请充值"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Scrub(c.in); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestScrub_KeepsTheBeginningOfLongMessages(t *testing.T) {
	got := Scrub("begin " + strings.Repeat("ä", 5000))
	if len(got) > maxMessage+len("…") || !strings.HasPrefix(got, "begin ä") || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes: %.20q", len(got), got)
	}
	key := "sk-proj-" + strings.Repeat("a1", 40)
	if got := Scrub(strings.Repeat("x ", 295) + key); strings.Contains(got, "sk-proj") {
		t.Errorf("a key cut by the end of the message stayed: %q", got[560:])
	}
}

func BenchmarkScrub(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Scrub("Rate limit reached for gpt-5 in organization org-AbC123dEf456 on tokens per min (TPM): Limit 30000. Please try again in 1.574s.")
	}
}

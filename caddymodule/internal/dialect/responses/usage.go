package responses

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// decodeUsage reads the usage object of a response.
func decodeUsage(v gjson.Result) llm.Usage {
	var u llm.Usage
	v.ForEach(func(k, n gjson.Result) bool {
		switch k.Str {
		case "input_tokens":
			u.Input = count(n)
			u.Known = u.Known || n.Type == gjson.Number
		case "output_tokens":
			u.Output = count(n)
			u.Known = u.Known || n.Type == gjson.Number
		case "input_tokens_details":
			u.CacheRead = count(n.Get("cached_tokens"))
			u.CacheWrite = count(n.Get("cache_write_tokens"))
		case "output_tokens_details":
			u.Reasoning = count(n.Get("reasoning_tokens"))
		}
		return true
	})
	u.CacheRead = min(u.CacheRead, u.Input)
	u.CacheWrite = min(u.CacheWrite, u.Input-u.CacheRead)
	return u
}

// count is n as a token count: never negative, never absurd.
func count(n gjson.Result) int {
	const most = 1 << 40
	return int(min(max(n.Int(), 0), most))
}

// appendUsage appends the usage member. Both detail objects are always there:
// Codex fails on a usage without them.
func appendUsage(dst []byte, u *llm.Usage) []byte {
	dst = append(wire.Key(dst, "usage"), '{')
	dst = wire.Int(dst, "input_tokens", u.Input)
	dst = append(wire.Key(dst, "input_tokens_details"), '{')
	dst = wire.Int(dst, "cached_tokens", u.CacheRead)
	if u.CacheWrite > 0 {
		dst = wire.Int(dst, "cache_write_tokens", u.CacheWrite)
	}
	dst = wire.Int(append(dst, '}'), "output_tokens", u.Output)
	dst = append(wire.Key(dst, "output_tokens_details"), '{')
	dst = wire.Int(dst, "reasoning_tokens", u.Reasoning)
	dst = wire.Int(append(dst, '}'), "total_tokens", u.Input+u.Output)
	return append(dst, '}')
}

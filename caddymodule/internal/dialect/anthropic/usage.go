package anthropic

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// decodeUsage adds the cached parts to the input, which Anthropic states
// without them. A missing or empty object gives the zero Usage.
func decodeUsage(v gjson.Result) llm.Usage {
	var u llm.Usage
	v.ForEach(func(k, n gjson.Result) bool {
		switch k.Str {
		case "input_tokens":
			u.Input += count(n)
			u.Known = u.Known || n.Type == gjson.Number
		case "output_tokens":
			u.Output = count(n)
			u.Known = u.Known || n.Type == gjson.Number
		case "cache_read_input_tokens":
			u.CacheRead = count(n)
			u.Input += u.CacheRead
		case "cache_creation_input_tokens":
			u.CacheWrite = count(n)
			u.Input += u.CacheWrite
		case "output_tokens_details":
			u.Reasoning = count(n.Get("thinking_tokens"))
		}
		return true
	})
	return u
}

// count is n as a token count: never negative, never absurd.
func count(n gjson.Result) int {
	const most = 1 << 40
	return int(min(max(n.Int(), 0), most))
}

// appendUsage appends the usage object. All four counts are always there:
// clients crash on missing ones.
func appendUsage(dst []byte, u *llm.Usage) []byte {
	dst = append(wire.Key(dst, "usage"), '{')
	dst = wire.Int(dst, "input_tokens", max(u.Input-u.CacheRead-u.CacheWrite, 0))
	dst = wire.Int(dst, "cache_creation_input_tokens", u.CacheWrite)
	dst = wire.Int(dst, "cache_read_input_tokens", u.CacheRead)
	dst = wire.Int(dst, "output_tokens", u.Output)
	if u.Reasoning > 0 {
		dst = append(wire.Key(dst, "output_tokens_details"), '{')
		dst = append(wire.Int(dst, "thinking_tokens", u.Reasoning), '}')
	}
	return append(dst, '}')
}

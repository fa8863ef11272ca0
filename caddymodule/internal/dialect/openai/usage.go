package openai

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// findUsage reads usage where OpenAI puts it, or where Groq (x_groq) and
// Moonshot (in the choice) do.
func findUsage(root gjson.Result) llm.Usage {
	for _, path := range [...]string{"usage", "x_groq.usage", "choices.0.usage"} {
		if u := decodeUsage(root.Get(path)); u.Known {
			return u
		}
	}
	return llm.Usage{}
}

func decodeUsage(v gjson.Result) llm.Usage {
	var u llm.Usage
	var total int
	v.ForEach(func(k, n gjson.Result) bool {
		switch k.Str {
		case "prompt_tokens":
			u.Input = count(n)
			u.Known = u.Known || n.Type == gjson.Number
		case "completion_tokens":
			u.Output = count(n)
			u.Known = u.Known || n.Type == gjson.Number
		case "total_tokens":
			total = count(n)
		case "prompt_cache_hit_tokens": // DeepSeek
			u.CacheRead = max(u.CacheRead, count(n))
		case "prompt_tokens_details":
			u.CacheRead = max(u.CacheRead, count(n.Get("cached_tokens")))
			u.CacheWrite = count(n.Get("cache_write_tokens"))
		case "completion_tokens_details":
			u.Reasoning = count(n.Get("reasoning_tokens"))
		}
		return true
	})
	// Some vendors count reasoning outside completion_tokens; the total tells.
	if u.Reasoning > 0 && total == u.Input+u.Output+u.Reasoning {
		u.Output += u.Reasoning
	}
	u.CacheRead = min(u.CacheRead, u.Input)
	u.CacheWrite = min(u.CacheWrite, u.Input-u.CacheRead)
	return u
}

// count is n as a token count: never negative, never absurd.
func count(n gjson.Result) int {
	const most = 1 << 40
	return int(min(max(n.Int(), 0), most))
}

// appendUsage appends the usage object with both detail objects, which clients
// read without looking whether they are there.
func appendUsage(dst []byte, u *llm.Usage) []byte {
	dst = append(wire.Key(dst, "usage"), '{')
	dst = wire.Int(dst, "prompt_tokens", u.Input)
	dst = wire.Int(dst, "completion_tokens", u.Output)
	dst = wire.Int(dst, "total_tokens", u.Input+u.Output)
	dst = append(wire.Key(dst, "prompt_tokens_details"), '{')
	dst = wire.Int(dst, "cached_tokens", u.CacheRead)
	if u.CacheWrite > 0 {
		dst = wire.Int(dst, "cache_write_tokens", u.CacheWrite)
	}
	dst = append(wire.Key(append(dst, '}'), "completion_tokens_details"), '{')
	dst = wire.Int(dst, "reasoning_tokens", u.Reasoning)
	return append(dst, '}', '}')
}

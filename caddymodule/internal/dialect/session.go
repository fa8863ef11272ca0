package dialect

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// ThreadUnsupported is the error code by which Anthropic's SDK learns to send
// whole conversations again.
const ThreadUnsupported = "thread_unsupported_request"

// SessionID is the session a request belongs to, as its body tells: the cache
// key, or the session in the JSON that Claude Code sends as its user id. It is
// empty if the body does not tell.
func SessionID(r *llm.Request) string {
	if r.CacheKey != "" {
		return r.CacheKey
	}
	if len(r.User) > 0 && r.User[0] == '{' && wire.Valid(wire.Raw(r.User)) {
		return gjson.Get(r.User, "session_id").String()
	}
	return ""
}

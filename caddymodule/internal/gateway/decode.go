package gateway

import (
	"hash/maphash"
	"strconv"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// decode makes one pass over the body for what routing needs. The bytes stay
// as they are; only if some target needs a translation is the request decoded
// in full, by common.
func (x *Exchange) decode() *llm.Error {
	if err := x.outline.read(x.body.bytes(), x.gateway.Limits.Depth); err != nil {
		if err.Code == codeTooDeep {
			x.gateway.Traffic.Refusals.add(CeilingDepth)
		}
		return err
	}
	x.Model = x.outline.model
	x.Stream = x.outline.stream && x.endpoint.call == 0
	x.Session = session(x.request.Header, &x.outline)
	x.Agent = clip(x.request.Header.Get("X-Claude-Code-Agent-Id"), 200)
	return nil
}

// session finds what ties the requests of one conversation together, so that
// they can stay where their prompt is cached.
func session(get interface{ Get(string) string }, o *outline) string {
	for _, name := range [...]string{"X-Claude-Code-Session-Id", "Session-Id", "Session_id", "X-Session-Id", "Conversation_id"} {
		if id := get.Get(name); id != "" {
			return clip(id, 200)
		}
	}
	switch {
	case o.cacheKey != "":
		return clip(o.cacheKey, 200)
	case o.userSession != "":
		return clip(o.userSession, 200)
	}
	return opener(o.history)
}

// maxOpener is how much of a conversation's first message tells it from others.
const maxOpener = 4 << 10

// opener stands for a conversation by its first message, which every later turn
// repeats.
func opener(history []byte) string {
	first := gjson.Get(wire.View(history), "0").Raw
	if first == "" {
		return ""
	}
	return "opener-" + strconv.FormatUint(maphash.String(openerSeed, first[:min(len(first), maxOpener)]), 16)
}

// openerSeed makes openers of one process alike; no other sees them.
var openerSeed = maphash.MakeSeed()

// cacheTTL is how long the provider is asked to keep the prompt: the longest of
// the marks in it. 0 leaves it to the router.
func cacheTTL(o *outline) time.Duration {
	if o.cacheHour {
		return time.Hour
	}
	return 0
}

// common returns the request in the form every dialect can be encoded from. It
// is decoded once.
func (x *Exchange) common() (*llm.Request, *llm.Error) {
	if x.decoded != nil {
		return x.decoded, nil
	}
	r, err := x.dialect.DecodeRequest(x.body.bytes())
	if err != nil {
		return nil, asError(err)
	}
	x.decoded = r
	return r, nil
}

// modelPrefix marks the ids under which the model list of the Messages dialect
// shows aliases: Claude Code keeps only ids that contain "claude".
const modelPrefix = "claude-aimux-"

// routeName is the name to look a model up by: without the list's prefix and
// without the window mark ("[1m]") that Claude Code adds.
func routeName(model string) string {
	model = strings.TrimPrefix(model, modelPrefix)
	return strings.TrimSuffix(model, "[1m]")
}

package anthropic

import (
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/tidwall/gjson"
)

// citations appends one citations_delta for each citation of the open block.
func (e *streamEncoder) citations(dst []byte, list []byte) []byte {
	gjson.Parse(wire.View(list)).ForEach(func(_, c gjson.Result) bool {
		dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
		dst = append(strconv.AppendInt(dst, int64(e.next), 10), `,"delta":{"type":"citations_delta","citation":`...)
		dst = append(append(dst, c.Raw...), "}}\n\n"...)
		return true
	})
	return dst
}

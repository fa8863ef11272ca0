package anthropic

import (
	"net/http"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// statusOverloaded is Anthropic's own status for a busy provider.
const statusOverloaded = 529

// DecodeError reads a provider's error answer.
func (Messages) DecodeError(status int, header http.Header, body []byte) *llm.Error {
	return dialect.ReadError(status, header, body)
}

// EncodeError gives e the form {"type":"error","error":{…},"request_id":…}.
// Only error types of Anthropic's documentation are used.
func (Messages) EncodeError(e *llm.Error) (int, http.Header, []byte) {
	status := dialect.ErrorStatus(e, statusOverloaded)
	return status, dialect.ErrorHeader(e, false, "Request-Id"), appendError(nil, e, status)
}

// AppendStreamError appends an error event.
func (Messages) AppendStreamError(dst []byte, e *llm.Error) []byte {
	dst = append(dst, "event: error\ndata: "...)
	dst = appendError(dst, e, dialect.ErrorStatus(e, statusOverloaded))
	return append(dst, "\n\n"...)
}

// AppendPing appends a ping event.
func (Messages) AppendPing(dst []byte) []byte {
	return append(dst, "event: ping\ndata: {\"type\":\"ping\"}\n\n"...)
}

func appendError(dst []byte, e *llm.Error, status int) []byte {
	dst = append(dst, `{"type":"error","error":{"type":`...)
	dst = wire.Quote(dst, errorType(status, e))
	dst = wire.Str(dst, "message", errorMessage(e))
	if e.Details != "" {
		dst = append(dst, `,"details":{"error_code":`...)
		dst = wire.Quote(dst, e.Details)
		if e.Details == dialect.ThreadUnsupported {
			dst = append(dst, `,"unsupported":["thread"]`...)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, '}')
	dst = wire.StrIf(dst, "request_id", e.RequestID)
	return append(dst, '}')
}

// errorMessage keeps the provider's wording, and makes sure that the words on
// which Claude Code compacts its history are there.
func errorMessage(e *llm.Error) string {
	if e.Class != llm.ClassContext || strings.Contains(e.Message, "prompt is too long") ||
		strings.Contains(e.Message, "exceed context limit") {
		return e.Message
	}
	return "prompt is too long: " + e.Message
}

// errorType is the documented type that goes with an HTTP status.
func errorType(status int, e *llm.Error) string {
	switch status {
	case 401:
		return "authentication_error"
	case 402:
		return "billing_error"
	case 403:
		return "permission_error"
	case 404:
		return "not_found_error"
	case 408, 504:
		return "timeout_error"
	case 409:
		return "conflict_error"
	case 413:
		return "request_too_large"
	case 429:
		return "rate_limit_error"
	case statusOverloaded, 503:
		return "overloaded_error"
	}
	if status >= 500 || e.Class == llm.ClassCanceled {
		return "api_error"
	}
	return "invalid_request_error"
}

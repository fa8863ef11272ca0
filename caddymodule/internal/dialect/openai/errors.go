package openai

import (
	"net/http"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// DecodeError reads a provider's error answer.
func (Chat) DecodeError(status int, header http.Header, body []byte) *llm.Error {
	return dialect.ReadError(status, header, body)
}

// EncodeError gives e the form {"error":{message,type,param,code}}.
func (Chat) EncodeError(e *llm.Error) (int, http.Header, []byte) {
	status := dialect.ErrorStatus(e, http.StatusServiceUnavailable)
	return status, dialect.ErrorHeader(e, true, "X-Request-Id"), AppendError(nil, e)
}

// AppendStreamError appends a chunk with a top-level error, on which OpenAI's
// SDKs raise. No [DONE] follows: the stream did not end as it should.
func (Chat) AppendStreamError(dst []byte, e *llm.Error) []byte {
	dst = append(dst, "data: "...)
	return append(AppendError(dst, e), "\n\n"...)
}

// AppendPing appends a comment.
func (Chat) AppendPing(dst []byte) []byte { return append(dst, ": keep-alive\n\n"...) }

// AppendError appends the error body, which OpenAI's other endpoints share.
func AppendError(dst []byte, e *llm.Error) []byte {
	status := dialect.ErrorStatus(e, http.StatusServiceUnavailable)
	wireType, code := errorType(status, e)
	dst = append(dst, `{"error":{"message":`...)
	dst = wire.Quote(dst, e.Message)
	dst = wire.Str(dst, "type", wireType)
	dst = appendOrNull(dst, "param", e.Param)
	dst = appendOrNull(dst, "code", code)
	return append(dst, '}', '}')
}

func appendOrNull(dst []byte, key, s string) []byte {
	if s == "" {
		return append(wire.Key(dst, key), "null"...)
	}
	return wire.Str(dst, key, s)
}

// errorType is the type and code OpenAI documents for a failure. The code of
// the vendor or gateway stands where OpenAI has none of its own.
func errorType(status int, e *llm.Error) (wireType, code string) {
	switch {
	case e.Class == llm.ClassContext:
		return "invalid_request_error", "context_length_exceeded"
	case e.Type == llm.ErrModelNotFound, e.Class == llm.ClassModelDenied && e.Type == "":
		return "invalid_request_error", "model_not_found"
	case e.Type == llm.ErrUnauthenticated:
		return "invalid_request_error", "invalid_api_key"
	case e.Class == llm.ClassContent && e.Type == "":
		return "invalid_request_error", "content_filter"
	case e.Code == "insufficient_quota" && status == http.StatusTooManyRequests:
		return "insufficient_quota", e.Code
	}
	return typeOfStatus(status, e.Code)
}

func typeOfStatus(status int, code string) (string, string) {
	switch status {
	case 401:
		return "authentication_error", code
	case 403:
		return "permission_error", code
	case 429:
		return "rate_limit_error", "rate_limit_exceeded"
	case 503:
		return "service_unavailable_error", "server_is_overloaded"
	}
	if status >= 500 {
		return "server_error", code
	}
	return "invalid_request_error", code
}

package dialect

import (
	"net/http"
	"strconv"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// longWait is from when on a client should not wait on its own account: its
// SDK would sleep for hours, or hammer.
const longWait = 60 * time.Second

// ErrorStatus is the HTTP status for e: what it says, or what its Type or
// Class stands for. overloaded is the dialect's own number for a busy
// provider (529 or 503). A provider's refusal of the gateway's key is never
// shown as the client's own: it becomes 502.
func ErrorStatus(e *llm.Error, overloaded int) int {
	if s := typeStatus(e.Type, overloaded); s != 0 {
		return s
	}
	switch e.Class {
	case llm.ClassAuth, llm.ClassBalance, llm.ClassPlanDead:
		return http.StatusBadGateway
	case llm.ClassQuota, llm.ClassRate, llm.ClassConcurrency, llm.ClassFairUse:
		return http.StatusTooManyRequests
	case llm.ClassOverload:
		return overloaded
	case llm.ClassModelDenied:
		return http.StatusNotFound
	case llm.ClassContext:
		return http.StatusBadRequest
	case llm.ClassBadRequest, llm.ClassContent:
		return inRange(e.Status, 400, 499, http.StatusBadRequest)
	case llm.ClassTransient:
		return inRange(e.Status, 500, 599, http.StatusBadGateway)
	case llm.ClassCanceled:
		return 499
	}
	return inRange(e.Status, 400, 599, http.StatusInternalServerError)
}

func typeStatus(t llm.ErrorType, overloaded int) int {
	switch t {
	case llm.ErrInvalidRequest:
		return http.StatusBadRequest
	case llm.ErrUnauthenticated:
		return http.StatusUnauthorized
	case llm.ErrForbidden:
		return http.StatusForbidden
	case llm.ErrNotFound, llm.ErrModelNotFound:
		return http.StatusNotFound
	case llm.ErrMethod:
		return http.StatusMethodNotAllowed
	case llm.ErrTimeoutBody:
		return http.StatusRequestTimeout
	case llm.ErrTooLarge:
		return http.StatusRequestEntityTooLarge
	case llm.ErrMediaType:
		return http.StatusUnsupportedMediaType
	case llm.ErrRateLimited:
		return http.StatusTooManyRequests
	case llm.ErrInternal:
		return http.StatusInternalServerError
	case llm.ErrUpstream:
		return http.StatusBadGateway
	case llm.ErrUnavailable:
		return overloaded
	case llm.ErrTimeout:
		return http.StatusGatewayTimeout
	}
	return 0
}

func inRange(status, low, high, otherwise int) int {
	if status >= low && status <= high {
		return status
	}
	return otherwise
}

// ErrorHeader returns the headers an error answer carries in every dialect.
// millis adds retry-after-ms, which OpenAI's SDKs prefer; idKey is the
// dialect's name for the request id header.
func ErrorHeader(e *llm.Error, millis bool, idKey string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
		if millis {
			h.Set("Retry-After-Ms", strconv.FormatInt(max(e.RetryAfter.Milliseconds(), 1), 10))
		}
	}
	if e.NoRetry || e.Class == llm.ClassQuota && e.RetryAfter > longWait {
		h.Set("X-Should-Retry", "false")
	}
	if e.RequestID != "" {
		h.Set(idKey, e.RequestID)
	}
	return h
}

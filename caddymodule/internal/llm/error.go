package llm

import "time"

// Error is a failure as a client is told about it, before a dialect gives it
// its wire form. It never holds a key, a prompt or a provider's internal host.
type Error struct {
	// Class decides the dialect's error type when Type is empty.
	Class Class
	// Status is the HTTP status for an answer not yet begun. 0 lets the
	// dialect choose by Class.
	Status int
	// Type is the dialect-neutral name of a failure that is not a provider's:
	// one of the Err constants below, or empty.
	Type ErrorType
	// Message is one sentence for a person. Client programs match on some
	// wordings ("prompt is too long"), so a provider's own text is kept.
	Message string
	// Code is a vendor's or the gateway's machine-readable code, or empty.
	Code string
	// Wire is the error type the provider gave, as it stood on the wire, or empty.
	Wire string
	// Param names the request field at fault, or is empty.
	Param string
	// RetryAfter is when trying again makes sense. 0 means unknown.
	RetryAfter time.Duration
	// NoRetry tells the client's SDK not to repeat the request on its own
	// (x-should-retry: false).
	NoRetry bool
	// RequestID is the gateway's id of the exchange.
	RequestID string
	// Details is Anthropic's details.error_code, for example
	// "thread_unsupported_request", or empty.
	Details string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// ErrorType names the failures the gateway itself reports.
type ErrorType string

// The gateway's own failures; each dialect has a documented wire type for it.
const (
	ErrInvalidRequest  ErrorType = "invalid_request"        // 400: JSON, schema, ambiguous keys
	ErrUnauthenticated ErrorType = "unauthenticated"        // 401: the gateway's client key
	ErrForbidden       ErrorType = "forbidden"              // 403: outside the client key's scope
	ErrNotFound        ErrorType = "not_found"              // 404: path
	ErrModelNotFound   ErrorType = "model_not_found"        // 404: no such alias or model
	ErrMethod          ErrorType = "method_not_allowed"     // 405
	ErrTimeoutBody     ErrorType = "request_timeout"        // 408: the request body did not arrive
	ErrTooLarge        ErrorType = "request_too_large"      // 413
	ErrMediaType       ErrorType = "unsupported_media_type" // 415
	ErrRateLimited     ErrorType = "rate_limited"           // 429
	ErrInternal        ErrorType = "internal"               // 500
	ErrUpstream        ErrorType = "upstream"               // 502: every target failed
	ErrUnavailable     ErrorType = "unavailable"            // 503: every target rests or is overloaded
	ErrTimeout         ErrorType = "timeout"                // 504
)

package responses

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/tidwall/gjson"
)

// DecodeError reads a provider's error answer, which has the form of all of
// OpenAI's endpoints.
func (Responses) DecodeError(status int, header http.Header, body []byte) *llm.Error {
	return dialect.ReadError(status, header, body)
}

// EncodeError gives e the form {"error":{message,type,param,code}}.
func (Responses) EncodeError(e *llm.Error) (int, http.Header, []byte) {
	status := dialect.ErrorStatus(e, http.StatusServiceUnavailable)
	return status, dialect.ErrorHeader(e, true, "X-Request-Id"), openai.AppendError(nil, e)
}

// AppendPing appends a comment. An event would have to carry a sequence number
// that is not known here: strict clients refuse one without, and one that
// comes before response.created. The stream encoder, which counts, answers an
// llm.EventPing with a keepalive event, on which Codex resets its idle timer.
func (Responses) AppendPing(dst []byte) []byte { return append(dst, ": keep-alive\n\n"...) }

// AppendStreamError appends response.failed: a bare error event is ignored by
// some Codex versions. Strict clients refuse an event without a sequence
// number; as the true one is not known here it is the highest, which keeps the
// order. AppendStreamErrorAt is for callers that have counted.
func (d Responses) AppendStreamError(dst []byte, e *llm.Error) []byte {
	return d.AppendStreamErrorAt(dst, e, math.MaxInt32)
}

// AppendStreamErrorAt is AppendStreamError with the event's sequence number,
// which is how many events (comments apart) the stream has had so far.
func (d Responses) AppendStreamErrorAt(dst []byte, e *llm.Error, sequence int) []byte {
	data := append([]byte(nil), `{"type":"response.failed"`...)
	data = wire.Int(data, "sequence_number", sequence)
	data = append(wire.Key(data, "response"), `{"id":`...)
	data = wire.Quote(data, responseID(e.RequestID))
	data = wire.Str(data, "object", "response")
	data = wire.Int(data, "created_at", int(d.now()))
	data = wire.Str(data, "status", "failed")
	data = appendFailure(data, e)
	data = append(data, `,"incomplete_details":null,"model":"","output":[],"usage":null}}`...)
	return sse.AppendEvent(dst, evFailed, data)
}

// appendFailure appends the error member of a failed response.
func appendFailure(dst []byte, e *llm.Error) []byte {
	code, message := failureCode(e)
	dst = append(wire.Key(dst, "error"), '{')
	dst = wire.Str(dst, "code", code)
	dst = wire.Str(dst, "message", message)
	return append(dst, '}')
}

// failureCode returns the code and message of a failed response, chosen by
// what Codex does on each code: context_length_exceeded makes it compact,
// invalid_prompt ends the turn, insufficient_quota is fatal, rate_limit_exceeded
// waits for the time named in the message, anything else is tried again.
// An overloaded provider is reported as rate_limit_exceeded, because Codex
// takes server_is_overloaded as final.
func failureCode(e *llm.Error) (code, message string) {
	switch e.Type {
	case llm.ErrRateLimited, llm.ErrUnavailable:
		return "rate_limit_exceeded", withWait(e)
	case llm.ErrInvalidRequest, llm.ErrTooLarge:
		return "invalid_prompt", e.Message
	}
	switch e.Class {
	case llm.ClassContext:
		return "context_length_exceeded", e.Message
	case llm.ClassBadRequest, llm.ClassContent:
		return "invalid_prompt", e.Message
	case llm.ClassRate, llm.ClassConcurrency, llm.ClassOverload, llm.ClassFairUse:
		return "rate_limit_exceeded", withWait(e)
	case llm.ClassQuota:
		if e.NoRetry {
			return "insufficient_quota", e.Message
		}
		return "rate_limit_exceeded", withWait(e)
	}
	return "server_error", e.Message
}

// withWait is e's message with the wording Codex reads the delay from.
func withWait(e *llm.Error) string {
	if e.RetryAfter <= 0 || strings.Contains(strings.ToLower(e.Message), tryAgain) {
		return e.Message
	}
	seconds := strconv.FormatFloat(math.Ceil(e.RetryAfter.Seconds()*10)/10, 'f', -1, 64)
	return fmt.Sprintf("%s Please try again in %ss.", strings.TrimSpace(e.Message), seconds)
}

const tryAgain = "try again in "

// decodeFailure reads a failed response, the event that carries one, or an
// error event.
func decodeFailure(root gjson.Result) *llm.Error {
	inner := root
	for _, path := range [...]string{"response.error", "error"} {
		if v := root.Get(path); v.IsObject() {
			inner = v
			break
		}
	}
	e := dialect.ReadError(0, nil, wire.Raw(inner.Raw))
	if c := classOfCode(e.Code); c != llm.ClassNone {
		e.Class = c
	}
	if e.RetryAfter == 0 {
		e.RetryAfter = waitIn(e.Message)
	}
	return e
}

// classOfCode knows the codes of failed responses that are not HTTP errors' too.
func classOfCode(code string) llm.Class {
	switch code {
	case "server_error":
		return llm.ClassTransient
	case "slow_down":
		return llm.ClassOverload
	case "usage_limit_reached":
		return llm.ClassQuota
	case "usage_not_included":
		return llm.ClassPlanDead
	case "invalid_prompt", "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url",
		"image_too_large", "image_too_small", "image_parse_error", "invalid_image_mode", "image_file_too_large",
		"unsupported_image_media_type", "empty_image_file", "failed_to_download_image", "image_file_not_found":
		return llm.ClassBadRequest
	case "image_content_policy_violation", "cyber_policy", "bio_policy":
		return llm.ClassContent
	}
	return llm.ClassNone
}

// waitIn reads the delay out of "Please try again in 1.5s" or "… in 20ms",
// "… in 6m0s"; 0 if the message has none.
func waitIn(message string) time.Duration {
	_, rest, ok := strings.Cut(strings.ToLower(message), tryAgain)
	if !ok {
		return 0
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("0123456789.hms", r) })
	if end < 0 {
		end = len(rest)
	}
	text := strings.TrimRight(rest[:end], ".")
	if !strings.ContainsAny(text, "hms") {
		text += "s" // "try again in 7 seconds"
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 {
		return 0
	}
	return wait
}

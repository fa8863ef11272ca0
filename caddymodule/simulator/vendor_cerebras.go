package simulator

import (
	"net/http"
	"strconv"
)

// cerebras writes errors flat, without the error object, and counts by the minute and the day.
func cerebras() *vendor {
	return &vendor{
		name: "cerebras", reasoning: inReasoning, usageInLast: true, overloaded: "queue_exceeded",
		overflow: "context_length_exceeded",
		rows: []row{
			{400, "invalid_request_error", "wrong_api_format", "validation_error", "Request does not fit the schema."},
			{400, "invalid_request_error", "context_length_exceeded", "", "Please reduce the length of the messages or completion. Current length is 69553 while limit is 65536"},
			{401, "authentication_error", "wrong_api_key", "", "Wrong API Key"},
			{402, "payment_required_error", "payment_required", "", "Payment required to access this resource."},
			{403, "permission_error", "", "", "You are not allowed to use this model."},
			{404, "not_found_error", "model_not_found", "model", "Model does not exist or you do not have access to it."},
			{422, "invalid_request_error", "wrong_api_format", "validation_error", "Request does not fit the schema."},
			{429, "too_many_requests_error", "request_quota_exceeded", "quota", "Requests per minute limit exceeded - too many requests sent."},
			{429, "too_many_tokens_error", "token_quota_exceeded", "quota", "Tokens per minute limit exceeded - too many tokens processed."},
			{503, "too_many_requests_error", "queue_exceeded", "queue", "We're experiencing high traffic right now! Please try again soon."},
			{500, "server_error", "internal_error", "", "Internal server error."},
		},
		error:      flatError,
		chunkError: cerebrasChunkError,
		header:     cerebrasHeader,
		reset:      cerebrasReset,
		extra:      cerebrasExtra,
		strict:     cerebrasStrict, fields: cerebrasFields, reasonFields: []string{"reasoning"}, exact: true,
		lacks: []dialect{messages, responses},
	}
}

func flatError(_ *exchange, b []byte, e apiError) []byte {
	b = field(append(b, '{'), "message", e.message)
	b = field(b, "type", e.kind)
	b = fieldOrNull(b, "param", e.param)
	return append(fieldOrNull(b, "code", e.code), '}')
}

// cerebrasChunkError is nested, unlike the others, and names the status.
func cerebrasChunkError(x *exchange, b []byte, e apiError) []byte {
	b = openAIError(x, b, e)
	return append(fieldInt(b[:len(b)-1], "status_code", e.status), '}')
}

func cerebrasHeader(h http.Header, x *exchange) {
	h.Set("X-Request-Id", string(x.id(nil, "req_")))
	if x.target.call == completeCall && h.Get("X-Ratelimit-Limit-Requests-Day") == "" {
		h.Set("X-Ratelimit-Limit-Requests-Day", "14400")
		h.Set("X-Ratelimit-Remaining-Requests-Day", strconv.Itoa(max(0, 14400-x.number)))
		h.Set("X-Ratelimit-Reset-Requests-Day", "33011.382867")
		h.Set("X-Ratelimit-Limit-Tokens-Minute", "60000")
		h.Set("X-Ratelimit-Remaining-Tokens-Minute", "58000")
		h.Set("X-Ratelimit-Reset-Tokens-Minute", "11.382867")
	}
}

func cerebrasReset(h http.Header, at string) {
	h.Set("X-Ratelimit-Remaining-Tokens-Minute", "0")
	h.Set("X-Ratelimit-Reset-Tokens-Minute", at)
}

func cerebrasExtra(x *exchange, b []byte, last bool) []byte {
	if !last || x.target.dialect != chat {
		return b
	}
	b = append(b, `,"time_info":{"queue_time":0.0001,"prompt_time":0.002,"completion_time":0.01,"total_time":0.013`...)
	return append(fieldInt(b, "created", int(x.meta.Time.Unix())), '}')
}

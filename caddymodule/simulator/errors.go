package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// apiError is a failure before any vendor's spelling.
type apiError struct {
	status  int
	kind    string // error.type
	code    string
	param   string
	message string
}

// row is a line of a vendor's error table.
type row struct {
	status  int
	kind    string
	code    string
	param   string
	message string // {reset} stands for the time of Fault.Reset, {retry} for the seconds of RetryAfter
}

// openAIRows is what OpenAI answers; other vendors with its shape fall back to it.
var openAIRows = []row{
	{400, "invalid_request_error", "", "", "Invalid request."},
	{400, "invalid_request_error", "context_length_exceeded", "messages", "This model's maximum context length is 128000 tokens. However, your messages resulted in 131000 tokens. Please reduce the length of the messages."},
	{401, "invalid_request_error", "invalid_api_key", "", "Incorrect API key provided: sk-***sim."},
	{402, "insufficient_quota", "insufficient_quota", "", "Your credit balance is used up."},
	{403, "permission_error", "", "", "You do not have access to this model."},
	{403, "request_forbidden", "unsupported_country_region_territory", "", "Country, region, or territory not supported"},
	{404, "invalid_request_error", "model_not_found", "model", "The model does not exist or you do not have access to it."},
	{408, "server_error", "request_timeout", "", "Request timed out."},
	{409, "invalid_request_error", "conflict", "", "The resource is being changed by another request."},
	{413, "invalid_request_error", "request_too_large", "", "Request body too large."},
	{422, "invalid_request_error", "", "", "Unprocessable entity."},
	{429, "requests", "rate_limit_exceeded", "", "Rate limit reached for requests. Please try again in {retry}s."},
	{429, "insufficient_quota", "insufficient_quota", "", "You exceeded your current quota, please check your plan and billing details."},
	{429, "insufficient_quota", "credit_balance_exhausted", "", "Your credit balance is exhausted."},
	{429, "insufficient_quota", "project_spend_limit_exceeded", "", "This project reached its spend limit."},
	{429, "tokens", "slow_down", "", "Slow down: your request rate grew too quickly."},
	{500, "server_error", "server_error", "", "The server had an error while processing your request. Sorry about that!"},
	{502, "server_error", "", "", "Bad gateway."},
	{503, "service_unavailable_error", "server_is_overloaded", "", "The engine is currently overloaded, please try again later."},
	{504, "server_error", "", "", "Gateway timeout."},
	{529, "overloaded_error", "", "", "Overloaded."},
}

// anthropicRows is what Anthropic answers; code is details.error_code.
var anthropicRows = []row{
	{400, "invalid_request_error", "", "", "Invalid request."},
	{400, "invalid_request_error", "context_length_exceeded", "", "prompt is too long: 215000 tokens > 200000 maximum"},
	{400, "invalid_request_error", "usage_limit", "", "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."},
	{400, "invalid_request_error", "credit", "", "Your credit balance is too low to access the Anthropic API."},
	{400, "invalid_request_error", "thread_unsupported_request", "", "thread is not supported for this request"},
	{401, "authentication_error", "", "", "invalid x-api-key"},
	{402, "billing_error", "", "", "Your credit balance is too low."},
	{403, "permission_error", "", "", "Your API key does not have permission to use the specified resource."},
	{404, "not_found_error", "", "", "model not found"},
	{408, "timeout_error", "", "", "Request timed out."},
	{409, "conflict_error", "", "", "The resource is being changed by another request."},
	{413, "request_too_large", "", "", "Request exceeds the maximum size"},
	{422, "invalid_request_error", "", "", "Unprocessable entity."},
	{429, "rate_limit_error", "", "", "This request would exceed your account's rate limit. Please try again later."},
	{429, "rate_limit_error", "enforced_spend_limit_reached", "", "Your organization reached its enforced spend limit."},
	{500, "api_error", "", "", "Internal server error"},
	{502, "api_error", "", "", "Bad gateway"},
	{503, "api_error", "", "", "Service unavailable"},
	{504, "timeout_error", "", "", "Gateway timeout"},
	{529, "overloaded_error", "", "", "Overloaded"},
}

// errorFor returns the vendor's error for a status, a code, or both; a fault's message replaces the wording.
func (x *exchange) errorFor(status int, f Fault) apiError {
	e := x.lookUp(status, f.Code)
	if f.Message != "" {
		e.message = f.Message
	}
	e.message = x.fillIn(e.message, f)
	return e
}

// fillIn replaces {reset} and {retry} in an error's wording.
func (x *exchange) fillIn(message string, f Fault) string {
	if !strings.Contains(message, "{re") {
		return message
	}
	seconds := f.RetryAfter
	if _, err := strconv.ParseFloat(seconds, 64); err != nil {
		seconds = "1.574"
	}
	return strings.NewReplacer("{reset}", x.stamp(or(f.Reset, "zai+300")), "{retry}", seconds).Replace(message)
}

func (x *exchange) lookUp(status int, code string) apiError {
	own, general := x.vendor.rows, openAIRows
	if x.anthropicSide() {
		own, general = x.vendor.anthropicRows, anthropicRows
	}
	r, ok := find(own, status, code)
	if !ok {
		if r, ok = find(general, status, code); !ok {
			r, _ = find(general, or(status, 500), "")
		}
	}
	e := apiError{status: or(status, or(r.status, 500)), kind: r.kind, code: r.code, param: r.param, message: r.message}
	if e.kind == "" {
		e.kind = "api_error"
	}
	if code != "" {
		e.code = code
	}
	e.message = or(e.message, http.StatusText(e.status))
	return e
}

// find returns the row with status and code, else the one with the code; without a code, the first with the status.
func find(rows []row, status int, code string) (found row, ok bool) {
	for _, r := range rows {
		switch {
		case r.status == status && (code == "" || r.code == code):
			return r, true
		case code != "" && r.code == code && !ok:
			found, ok = r, true
		}
	}
	return found, ok
}

// errorBody appends e as the vendor writes it on the side the request came in on.
func (x *exchange) errorBody(b []byte, e apiError) []byte {
	if x.anthropicSide() {
		if x.vendor.anthropicError != nil {
			return x.vendor.anthropicError(x, b, e)
		}
		return anthropicError(x, b, e)
	}
	if x.vendor.error != nil {
		return x.vendor.error(x, b, e)
	}
	return openAIError(x, b, e)
}

// chunkError appends e as the vendor writes it inside a Chat stream.
func (x *exchange) chunkError(b []byte, e apiError) []byte {
	if x.vendor.chunkError != nil {
		return x.vendor.chunkError(x, b, e)
	}
	return openAIError(x, b, e)
}

func openAIError(_ *exchange, b []byte, e apiError) []byte {
	b = append(b, `{"error":{`...)
	b = field(b, "message", e.message)
	b = field(b, "type", e.kind)
	b = fieldOrNull(b, "param", e.param)
	b = fieldOrNull(b, "code", e.code)
	return append(b, "}}"...)
}

func anthropicError(x *exchange, b []byte, e apiError) []byte {
	b = append(b, `{"type":"error","error":{`...)
	b = field(b, "type", e.kind)
	b = field(b, "message", e.message)
	if strings.Contains(e.code, "_") {
		b = append(field(append(key(b, "details"), '{'), "error_code", e.code), '}')
	}
	b = append(b, `},"request_id":"`...)
	return append(x.id(b, "req_"), `"}`...)
}

func fieldOrNull(b []byte, name, value string) []byte {
	if value == "" {
		return append(key(b, name), "null"...)
	}
	return field(b, name, value)
}

// refuse sends e as the whole answer.
func (x *exchange) refuse(e apiError) { x.refuseWith(e, x.fault) }

// refuseWith sends e with the headers and the kind of body that f asks for.
func (x *exchange) refuseWith(e apiError, f Fault) {
	h := x.w.Header()
	x.commonHeader(h)
	x.retryHeader(h, f)
	if f.ShouldRetry != "" {
		h.Set("X-Should-Retry", f.ShouldRetry)
	}
	if f.Location != "" || e.status/100 == 3 {
		h.Set("Location", or(f.Location, "https://example.invalid/elsewhere"))
	}
	switch f.Body {
	case "html":
		x.send(e.status, "text/html; charset=utf-8", append(x.buf, page(e.status)...))
	case "text":
		x.send(e.status, "text/plain; charset=utf-8", append(x.buf, e.message...))
	case "empty":
		x.send(e.status, "", nil)
	default:
		x.send(e.status, "application/json", x.errorBody(x.buf, e))
	}
}

// page is what a proxy in front of a provider says when the provider does not.
func page(status int) string {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
		"</h1></center>\r\n<hr><center>simulator</center>\r\n</body>\r\n</html>\r\n"
}

// stamp spells a point in time: kind+seconds or kind-seconds from now, where kind is date (HTTP), rfc3339, epoch,
// epochms or zai (no zone, UTC+8). Anything else stays as it is.
func (x *exchange) stamp(spec string) string {
	at := strings.IndexAny(spec, "+-")
	if at <= 0 {
		return spec
	}
	seconds, err := strconv.ParseFloat(spec[at:], 64)
	if err != nil || seconds < -1e9 || seconds > 1e9 {
		return spec
	}
	t := x.s.opts.Now().Add(x.fault.Skew + time.Duration(seconds*float64(time.Second)))
	switch spec[:at] {
	case "date":
		return t.UTC().Format(http.TimeFormat)
	case "rfc3339":
		return t.UTC().Format(time.RFC3339)
	case "epoch":
		return strconv.FormatInt(t.Unix(), 10)
	case "epochms":
		return strconv.FormatInt(t.UnixMilli(), 10)
	case "zai":
		return t.UTC().Add(8 * time.Hour).Format(time.DateTime)
	}
	return spec
}

// retryHeader sets what says when to come back.
func (x *exchange) retryHeader(h http.Header, f Fault) {
	if f.RetryAfter != "" {
		h.Set("Retry-After", x.stamp(f.RetryAfter))
	}
	if f.RetryAfterMS != "" {
		h.Set("Retry-After-Ms", f.RetryAfterMS)
	}
	if f.AzureRetryAfterMS != "" {
		h.Set("X-Ms-Retry-After-Ms", f.AzureRetryAfterMS)
	}
	if f.Skew != 0 || strings.HasPrefix(f.RetryAfter, "date") {
		h.Set("Date", x.stamp("date+0"))
	}
	if f.Reset == "" {
		return
	}
	set := x.vendor.reset
	if x.anthropicSide() {
		set = orFunc(x.vendor.anthropicReset, anthropicReset)
	}
	orFunc(set, openAIReset)(h, x.stamp(f.Reset))
}

func orFunc(f, otherwise func(http.Header, string)) func(http.Header, string) {
	if f != nil {
		return f
	}
	return otherwise
}

func openAIReset(h http.Header, at string) {
	h.Set("X-Ratelimit-Limit-Requests", "100")
	h.Set("X-Ratelimit-Remaining-Requests", "0")
	h.Set("X-Ratelimit-Reset-Requests", at)
}

func anthropicReset(h http.Header, at string) {
	h.Set("Anthropic-Ratelimit-Requests-Limit", "100")
	h.Set("Anthropic-Ratelimit-Requests-Remaining", "0")
	h.Set("Anthropic-Ratelimit-Requests-Reset", at)
}

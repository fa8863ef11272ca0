package simulator

import (
	"net/http"
	"strconv"
)

// minimaxRows are MiniMax's codes with the HTTP status of the newer API.
func minimaxRows() []row {
	return []row{
		{500, "server_error", "1000", "", "unknown error"},
		{504, "server_error", "1001", "", "request timeout"},
		{429, "rate_limit_error", "1002", "", "rate limit"},
		{401, "authorized_error", "1004", "", "login fail: Please carry the API secret key in the 'Authorization' field of the request header"},
		{402, "insufficient_balance_error", "1008", "", "insufficient balance"},
		{500, "server_error", "1013", "", "internal service error"},
		{400, "bad_request_error", "2013", "", "invalid params"},
		{400, "bad_request_error", "1026", "", "input new_sensitive"},
		{422, "unprocessable_entity_error", "1027", "", "output new_sensitive"},
		{429, "rate_limit_error", "1039", "", "token limit"},
		{429, "rate_limit_error", "1041", "", "conn limit"},
		{400, "bad_request_error", "1042", "", "invisible character ratio limit"},
		{429, "rate_limit_error", "2045", "", "rate growth limit"},
		{401, "authorized_error", "2049", "", "invalid api key"},
		{429, "rate_limit_error", "2056", "", "Token Plan usage limit reached: Upgrade your Token Plan or purchase Credits for more usage."},
		{403, "authorized_error", "2061", "", "your current token plan not support model"},
		{403, "authorized_error", "2062", "", "token plan expired"},
		{529, "overloaded_error", "2064", "", "cluster overloaded, please try again later"},
		{404, "bad_request_error", "2013", "", "invalid params, unknown model"},
		{503, "server_error", "1033", "", "downstream service error"},
		{502, "server_error", "1033", "", "downstream service error"},
		{400, "bad_request_error", "overflow", "", "invalid params, context window exceeds limit"},
	}
}

// minimax answers errors of the OpenAI side in base_resp, often behind HTTP 200; reasoning stands in <think> tags.
func minimax() *vendor {
	return &vendor{
		name: "minimax", reasoning: inThinkTags, thinks: true, usageInLast: true, overloaded: "2064", overflow: "overflow",
		rows: minimaxRows(), anthropicRows: minimaxRows(),
		error: minimaxError, chunkError: minimaxError, anthropicError: minimaxAnthropicError,
		header: minimaxHeader, extra: minimaxExtra, reset: noReset, anthropicReset: noReset,
		strict: minimaxStrict, lenient: true, noDeveloper: true,
		quotaDenied: `{"base_resp":{"status_code":1004,"status_msg":"login fail"},"model_remains":null}`,
		quota: map[string]string{
			"/token_plan/remains": `{"base_resp":{"status_code":0,"status_msg":"success"},"model_remains":[{"model_name":"MiniMax-M*",` +
				`"start_time":1776355200000,"end_time":1776373200000,"remains_time":7151954,"current_interval_total_count":1500,` +
				`"current_interval_usage_count":228,"current_weekly_total_count":0,"current_weekly_usage_count":0,` +
				`"weekly_start_time":1776009600000,"weekly_end_time":1776614400000,"weekly_remains_time":248351954}]}`,
		},
	}
}

// minimaxError is the native shape: no choices, and the code as a number in base_resp.
func minimaxError(x *exchange, b []byte, e apiError) []byte {
	b = append(x.id(append(b, `{"id":"`...), ""), `","choices":null,"base_resp":{`...)
	code, err := strconv.Atoi(minimaxCode(e))
	if err != nil {
		code = 1000
	}
	b = fieldInt(b, "status_code", code)
	return append(field(b, "status_msg", e.message), "}}"...)
}

func minimaxAnthropicError(x *exchange, b []byte, e apiError) []byte {
	b = append(b, `{"type":"error","error":{`...)
	b = field(b, "type", e.kind)
	b = field(b, "message", e.message+" ("+minimaxCode(e)+")")
	b = append(field(b, "http_code", strconv.Itoa(e.status)), `},"request_id":"`...)
	return append(x.id(b, ""), `"}`...)
}

func minimaxCode(e apiError) string {
	if e.code == "overflow" {
		return "2013"
	}
	return e.code
}

func minimaxHeader(h http.Header, x *exchange) { h.Set("Trace-Id", string(x.id(nil, "trace_"))) }

func minimaxExtra(x *exchange, b []byte, last bool) []byte {
	if !last || x.target.dialect == responses {
		return b
	}
	return append(b, `,"base_resp":{"status_code":0,"status_msg":"success"}`...)
}

func noHeader(http.Header, *exchange) {}
func noReset(http.Header, string)     {}

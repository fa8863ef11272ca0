package simulator

// zaiRows are Z.AI's business codes, the same on both sides but for the status of an overload. The first row of a
// status is the usual one.
func zaiRows(busy int) []row {
	return []row{
		{401, "1000", "1000", "", "Authentication Failed"},
		{401, "1003", "1003", "", "Authentication token expired"},
		{429, "1302", "1302", "", "Rate limit reached for requests"},
		{429, "1303", "1303", "", "The call frequency of this API is too high, please reduce it"},
		{429, "1304", "1304", "", "The number of daily calls of this API has reached its limit"},
		{busy, "1305", "1305", "", "The service may be temporarily overloaded, please try again later"},
		{429, "1308", "1308", "", "Usage limit reached for 5 hour. Your limit will reset at {reset}"},
		{429, "1309", "1309", "", "Your GLM Coding Plan has expired, please renew it"},
		{429, "1310", "1310", "", "Weekly/Monthly Limit Exhausted. Your limit will reset at {reset}"},
		{429, "1311", "1311", "", "Your plan does not include access to this model"},
		{429, "1312", "1312", "", "This model is busy, please try glm-4.7 instead"},
		{429, "1313", "1313", "", "Your account's usage pattern does not comply with the fair use policy"},
		{429, "1316", "1316", "", "The 5 hour limit is used up and there is no balance for extra usage"},
		{429, "1318", "1318", "", "The monthly spend limit is reached. Your limit will reset at {reset}"},
		{429, "1113", "1113", "", "Insufficient balance or no resource package. Please recharge."},
		{402, "1113", "1113", "", "Insufficient balance or no resource package. Please recharge."},
		{401, "1110", "1110", "", "Your account is inactive"},
		{401, "1112", "1112", "", "Your account is locked"},
		{400, "1210", "1210", "", "Invalid API parameter, please check the documentation"},
		{400, "1211", "1211", "", "Unknown Model, please check the model code"},
		{404, "1211", "1211", "", "Unknown Model, please check the model code"},
		{400, "1214", "1214", "", "messages parameter is invalid"},
		{403, "1220", "1220", "", "You do not have permission to access this API"},
		{400, "1261", "1261", "", "Prompt exceeds max length"},
		{400, "1301", "1301", "", "The system detected potentially unsafe or sensitive content in the input"},
		{500, "1230", "1230", "", "API call process error"},
		{500, "1234", "1234", "", "Network error, error id: sim, please contact customer service"},
		{404, "NOT_FOUND", "NOT_FOUND", "", "404 NOT_FOUND"},
		{503, "1120", "1120", "", "The account service is unreachable"},
	}
}

// zai has no /v1 and no object member; its errors have codes in strings, on the Anthropic side inside the message.
func zai() *vendor {
	return &vendor{
		name: "zai", reasoning: inReasoningContent, thinks: true, bare: true, usageInLast: true, filtered: "sensitive",
		overloaded: "1305", overflow: "1261",
		rows: zaiRows(429), anthropicRows: zaiRows(529),
		error: zaiError, anthropicError: zaiAnthropicError,
		header: noHeader, extra: zaiExtra, strict: zaiStrict, lenient: true, noDeveloper: true, reset: noReset, anthropicReset: noReset,
		quotaDenied: `{"code":1001,"msg":"Authentication failed","success":false}`,
		quota: map[string]string{
			"/api/monitor/usage/quota/limit": `{"code":200,"msg":"Operation successful","success":true,"data":{"level":"pro","limits":[` +
				`{"type":"TOKENS_LIMIT","unit":3,"number":5,"percentage":15,"nextResetTime":1770648402389},` +
				`{"type":"TIME_LIMIT","unit":5,"number":1,"usage":4000,"currentValue":1828,"remaining":2172,"percentage":45}]}}`,
		},
	}
}

func zaiError(x *exchange, b []byte, e apiError) []byte {
	if e.code == "NOT_FOUND" {
		return append(field(append(b, `{"code":500`...), "msg", e.message), `,"success":false}`...)
	}
	b = append(b, `{"error":{`...)
	b = field(b, "code", or(e.code, "500"))
	b = append(field(b, "message", e.message), `},"request_id":"`...)
	return append(x.id(b, "2026"), `"}`...)
}

// zaiAnthropicError puts code, message and trace in brackets; unpaid accounts get the code as type.
func zaiAnthropicError(x *exchange, b []byte, e apiError) []byte {
	kind, message := anthropicKind(e.status), "["+or(e.code, "500")+"]["+e.message+"]["+string(x.id(nil, "2026"))+"]"
	if e.code == "1113" {
		kind, message = e.code, e.message
	}
	b = append(b, `{"type":"error","error":{`...)
	b = field(b, "type", kind)
	b = append(field(b, "message", message), `},"request_id":"`...)
	return append(x.id(b, "2026"), `"}`...)
}

func zaiExtra(x *exchange, b []byte, _ bool) []byte {
	if x.target.dialect != chat {
		return b
	}
	b = x.id(append(b, `,"request_id":"`...), "2026")
	return append(b, '"')
}

// anthropicKind is Anthropic's error type for a status.
func anthropicKind(status int) string {
	r, ok := find(anthropicRows, status, "")
	if !ok {
		return "api_error"
	}
	return r.kind
}

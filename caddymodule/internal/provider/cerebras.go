package provider

import "github.com/aimux/aimux/caddymodule/internal/llm"

// cerebrasRules are the failures of Cerebras. Its body is flat, without an
// "error" member. The trap: param "quota" means a window that refills, never
// spent money.
var cerebrasRules = []Rule{
	{Code: "request_quota_exceeded", Class: llm.ClassRate, KeyModel: true},
	{Code: "token_quota_exceeded", Class: llm.ClassRate, KeyModel: true},
	{Code: "queue_exceeded", Class: llm.ClassOverload},
	{Param: "queue", Status: 429, Class: llm.ClassOverload},
	{Code: "wrong_api_format", Class: llm.ClassBadRequest},
	{Code: "wrong_api_key", Class: llm.ClassAuth},
	{Code: "model_not_found", Class: llm.ClassModelDenied},
	{Code: "context_length_exceeded", Class: llm.ClassContext},
	{Text: "reduce the length of the messages or completion", Status: 400, Class: llm.ClassContext},
	{Text: "experiencing high traffic", Class: llm.ClassOverload},
}

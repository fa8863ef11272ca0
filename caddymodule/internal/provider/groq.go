package provider

import "github.com/aimux/aimux/caddymodule/internal/llm"

// groqRules are the failures of Groq. 498 is its own status for flex requests
// it has no room for; tool_use_failed is a call the model got wrong, which is
// worth one more try.
var groqRules = []Rule{
	{Status: 498, Class: llm.ClassOverload},
	{Status: 499, Class: llm.ClassTransient},
	{Code: "tool_use_failed", Class: llm.ClassTransient, Note: "the model produced a malformed tool call"},
	{Code: "capacity_exceeded", Class: llm.ClassOverload},
	{Text: "reduce the length of the messages or completion", Status: 400, Class: llm.ClassContext},
}

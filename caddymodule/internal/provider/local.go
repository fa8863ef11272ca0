package provider

import "github.com/aimux/aimux/caddymodule/internal/llm"

// localRules are the failures of servers on the user's own machine: a queue
// that is full, a model that is still loading, a model not there.
//
// Ollama cuts a prompt that is too long without a word, so it has no rule for
// one.
var localRules = []Rule{
	{Type: "unavailable_error", Status: 503, Class: llm.ClassOverload},
	{Text: "loading model", Status: 503, Class: llm.ClassOverload},
	{Type: "exceed_context_size_error", Status: 400, Class: llm.ClassContext},
	{Text: "exceeds the available context size", Class: llm.ClassContext},
	{Status: 503, Class: llm.ClassOverload},
	{Status: 404, Text: "not found", Class: llm.ClassModelDenied},
}

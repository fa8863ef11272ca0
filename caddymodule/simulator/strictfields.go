package simulator

// What the vendors' schemas name; anything else is refused in strict mode.

var chatFields = []string{
	"model", "messages", "stream", "stream_options", "max_completion_tokens", "max_tokens", "temperature", "top_p", "n", "stop",
	"seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "tools", "tool_choice",
	"parallel_tool_calls", "response_format", "reasoning_effort", "verbosity", "modalities", "audio", "prediction",
	"web_search_options", "metadata", "store", "service_tier", "user", "safety_identifier", "prompt_cache_key",
	"prompt_cache_retention", "prompt_cache_options", "moderation", "functions", "function_call",
}

var cerebrasFields = []string{
	"model", "messages", "max_completion_tokens", "max_tokens", "min_tokens", "temperature", "top_p", "stop", "seed", "n", "stream",
	"stream_options", "tools", "tool_choice", "parallel_tool_calls", "response_format", "logprobs", "top_logprobs",
	"frequency_penalty", "presence_penalty", "logit_bias", "prediction", "prompt_cache_key", "reasoning_effort",
	"reasoning_format", "clear_thinking", "service_tier", "model_parameters", "user",
}

// chatMessageFields are by role; an assistant may have the vendor's reasoning fields besides.
var chatMessageFields = map[string][]string{
	"system":    {"role", "content", "name"},
	"developer": {"role", "content", "name"},
	"user":      {"role", "content", "name"},
	"assistant": {"role", "content", "name", "refusal", "tool_calls", "audio", "function_call", "annotations"},
	"tool":      {"role", "content", "tool_call_id"},
	"function":  {"role", "content", "name"},
}

var messagesFields = []string{
	"model", "messages", "max_tokens", "system", "stop_sequences", "stream", "temperature", "top_p", "top_k", "tools", "tool_choice",
	"thinking", "output_config", "metadata", "service_tier", "cache_control", "container", "inference_geo",
}

// betaFields need a beta in the anthropic-beta header, whose name contains the value.
var betaFields = map[string]string{
	"context_management": "context-management", "mcp_servers": "mcp-client", "fallbacks": "fallback", "speed": "fast-mode",
	"diagnostics": "diagnos", "output_format": "structured-outputs", "thread": "message-threads",
}

// blockFields are the members of content blocks by type; blocks of other types are not looked into.
var blockFields = map[string][]string{
	"text":              {"type", "text", "citations", "cache_control"},
	"image":             {"type", "source", "cache_control"},
	"document":          {"type", "source", "title", "context", "citations", "cache_control"},
	"tool_use":          {"type", "id", "name", "input", "caller", "cache_control"},
	"tool_result":       {"type", "tool_use_id", "content", "is_error", "cache_control"},
	"thinking":          {"type", "thinking", "signature"},
	"redacted_thinking": {"type", "data"},
}

var messagesToolFields = []string{
	"type", "name", "description", "input_schema", "strict", "defer_loading", "eager_input_streaming", "allowed_callers",
	"input_examples", "cache_control",
}

var responsesFields = []string{
	"model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "max_tool_calls",
	"temperature", "top_p", "top_logprobs", "reasoning", "text", "stream", "stream_options", "store", "previous_response_id",
	"conversation", "include", "truncation", "metadata", "prompt", "prompt_cache_key", "prompt_cache_retention",
	"prompt_cache_options", "safety_identifier", "service_tier", "user", "background", "context_management", "moderation",
	"client_metadata",
}

// itemFields are the members of input items by type; items of other types are not looked into.
var itemFields = map[string][]string{
	"message":                 {"type", "id", "role", "content", "status", "phase"},
	"reasoning":               {"type", "id", "summary", "content", "encrypted_content", "status"},
	"function_call":           {"type", "id", "call_id", "name", "namespace", "arguments", "status"},
	"function_call_output":    {"type", "id", "call_id", "output", "status"},
	"custom_tool_call":        {"type", "id", "call_id", "name", "namespace", "input", "status"},
	"custom_tool_call_output": {"type", "id", "call_id", "output", "status"},
}

// itemIDs are how the ids of items begin.
var itemIDs = map[string]string{
	"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc",
}

package llm

import "encoding/json"

// Request is a request to a model in the form every dialect can be decoded
// into and encoded from.
type Request struct {
	Model       string
	System      []Block   // text blocks in the order given; a leading system or developer turn lands here
	Messages    []Message // the conversation, oldest first
	Tools       []Tool
	ToolChoice  *ToolChoice // nil: the model decides
	MaxTokens   int         // 0: not given
	Temperature *float64
	TopP        *float64
	TopK        *int
	Stop        []string
	Stream      bool
	// IncludeUsage is Chat's stream_options.include_usage. Messages and
	// Responses streams always carry usage.
	IncludeUsage bool
	Reasoning    *Reasoning // nil: not asked for
	Format       *Format    // nil: plain text
	// Parallel is whether the model may call several tools at once. nil: not given.
	Parallel    *bool
	ServiceTier string
	// CacheKey groups requests with a common prompt prefix (prompt_cache_key).
	CacheKey string
	// User is an opaque id of the end user (user, safety_identifier,
	// metadata.user_id). It may hold device ids: see design decision 13.
	User     string
	Metadata json.RawMessage
	// Verbosity is OpenAI's wish for long or short answers: "", "low", "medium", "high".
	Verbosity string
	// PreviousID is previous_response_id of Responses.
	PreviousID string
	Extra      Extra
}

// Role says who a message is from.
type Role string

// The roles of a message. Tool results are blocks of a RoleUser message.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleSystem    Role = "system"    // a system turn in mid-conversation
	RoleDeveloper Role = "developer" // OpenAI's newer name for system
)

// Message is one turn.
type Message struct {
	Role   Role
	Name   string // Chat's optional participant name
	Blocks []Block
	Extra  Extra
}

// Tool is a function the model may call, or a vendor's server tool.
type Tool struct {
	Kind        ToolKind
	Name        string
	Namespace   string // Responses namespace the tool was declared in
	Description string
	Schema      json.RawMessage // JSON Schema of the input; nil for custom tools
	Strict      *bool
	Grammar     *Grammar // custom tools with a grammar
	Cache       *Cache
	Raw         json.RawMessage // a server tool's declaration, whole
	Extra       Extra
}

// ToolKind tells functions, free-form tools and vendor tools apart.
type ToolKind uint8

// The kinds of tools.
const (
	ToolFunction ToolKind = iota // called with a JSON object
	ToolCustom                   // called with raw text (Codex apply_patch)
	ToolServer                   // run by the provider (web_search, tool_search …)
)

// Grammar constrains a custom tool's input text.
type Grammar struct{ Syntax, Definition string } // syntax: "lark" or "regex"

// ToolChoice forces or forbids tool calls.
type ToolChoice struct {
	Mode    string   // "auto", "any", "none", "tool"
	Name    string   // with "tool"
	Allowed []string // OpenAI's allowed_tools: the subset; Mode is "auto" or "any"
}

// Reasoning is how much the model shall think, in whichever of the two ways
// the client said it.
type Reasoning struct {
	Mode    string // "", "enabled", "adaptive", "disabled"
	Effort  string // "", "none", "minimal", "low", "medium", "high", "xhigh", "max"
	Budget  int    // tokens; 0: not given
	Display string // Anthropic's display, Responses' summary
}

// Format asks for structured output.
type Format struct {
	Kind   string // "json_object", "json_schema"
	Name   string
	Schema json.RawMessage
	Strict *bool
}

// Cache marks the end of a prompt prefix worth caching.
type Cache struct{ TTL string } // "", "5m", "1h"

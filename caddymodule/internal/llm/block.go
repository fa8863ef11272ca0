package llm

import "encoding/json"

// Block is one piece of a message: a tagged union, of which Kind says which
// fields count.
type Block struct {
	Kind BlockKind
	// Text is the text of KindText, KindRefusal, KindThinking.
	Text string
	// Signature is what proves a thinking block genuine to the provider that
	// made it; Redacted is an opaque thinking block's data
	// (redacted_thinking.data, encrypted_content).
	Signature, Redacted string
	// Source is the picture or document of KindImage and KindDocument.
	Source *Source
	// Call is the tool call of KindToolCall.
	Call *ToolCall
	// Result is the tool result of KindToolResult.
	Result *ToolResult
	Cache  *Cache
	// Citations are kept as they came.
	Citations json.RawMessage
	// Raw is the whole block of KindOther, as it came, in the dialect of Extra.From.
	Raw   json.RawMessage
	Extra Extra
}

// BlockKind is the kind of a Block.
type BlockKind uint8

// The kinds of blocks.
const (
	KindText BlockKind = iota
	KindThinking
	KindImage
	KindDocument
	KindToolCall
	KindToolResult
	KindRefusal
	KindOther // known to one dialect only; passed to that dialect, described or dropped elsewhere
)

// Source is where a picture's or document's bytes are.
type Source struct {
	MediaType string // "image/png", "application/pdf", "text/plain"
	Data      string // base64 (or plain text for text/plain); empty when URL or FileID is set
	URL       string
	FileID    string
	Detail    string // OpenAI's detail: auto, low, high
	Name      string // file name or title
}

// ToolCall is a call the model made.
type ToolCall struct {
	ID        string
	ItemID    string // the Responses item id (fc_…), apart from the call id
	Name      string
	Namespace string
	Input     json.RawMessage // a JSON object of a function call; for Custom calls nil
	Text      string          // the raw input of a custom call
	Custom    bool
}

// ToolResult answers a ToolCall.
type ToolResult struct {
	CallID  string
	Content []Block // text, image, document or other
	IsError bool
	Custom  bool
}

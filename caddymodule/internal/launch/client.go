package launch

import (
	"fmt"
	"strings"
)

// Client is a program, or a family of programs, that asks the gateway.
type Client string

// The clients. OpenAI and Anthropic are whatever uses those companies' SDKs.
const (
	Claude    Client = "claude"
	Codex     Client = "codex"
	OpenAI    Client = "openai"
	Anthropic Client = "anthropic"
)

// Clients lists all clients in the order messages name them.
func Clients() []Client { return []Client{Claude, Codex, OpenAI, Anthropic} }

// ParseClient reads the name of a client, "claude-code" among them.
func ParseClient(name string) (Client, error) {
	if name == "claude-code" {
		return Claude, nil
	}
	for _, c := range Clients() {
		if string(c) == name {
			return c, nil
		}
	}
	return "", fmt.Errorf("there is no client %q; there are claude, codex, openai and anthropic", name)
}

// Title is the client's name for people.
func (c Client) Title() string {
	switch c {
	case Claude:
		return "Claude Code"
	case Codex:
		return "Codex"
	case OpenAI:
		return "OpenAI SDKs"
	}
	return "Anthropic SDKs"
}

// Install says how a client that is a program is installed.
func (c Client) Install() string {
	return map[Client]string{Claude: "npm install -g @anthropic-ai/claude-code", Codex: "npm install -g @openai/codex"}[c]
}

// Settings are what a client has to know.
type Settings struct {
	// URL is the gateway's address without a path: "http://127.0.0.1:8080".
	URL string
	// Token is the client's key. Empty: the gateway asks for none.
	Token string
	// Model is asked for in every slot. Empty: the client's own names, which the
	// gateway answers.
	Model string
	// Small is asked for in the slot of small, fast models. Empty: as Model.
	Small string
}

// NoToken is sent where a client insists on a key and the gateway asks for none.
const NoToken = "aimux"

func (s Settings) token() string {
	if s.Token == "" {
		return NoToken
	}
	return s.Token
}

func (s Settings) base() string { return strings.TrimRight(s.URL, "/") }

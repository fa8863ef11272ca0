package launch

import (
	"cmp"
	"strings"
)

// Variable is an environment variable.
type Variable struct {
	Name, Value string
	// Secret says that the value is a key, which is not shown for its own sake.
	Secret bool
}

// claudeTimeout is how long, in milliseconds, Claude Code waits for one answer:
// the gateway's own limit for an attempt (timeouts.total, 30 minutes) and a
// little more, so that the gateway, which can try elsewhere, gives up first.
const claudeTimeout = "1860000"

// tokenVariable is where Codex is told to look for its key.
const tokenVariable = "AIMUX_TOKEN" // #nosec G101 -- the name of a variable

// Environment returns the variables a client needs. For Codex they are not
// enough: see Args.
func Environment(c Client, s Settings) []Variable {
	switch c {
	case Claude:
		return claudeEnvironment(s)
	case Codex:
		return []Variable{{tokenVariable, s.token(), true}}
	case OpenAI:
		return []Variable{{"OPENAI_BASE_URL", s.base() + "/v1", false}, {"OPENAI_API_KEY", s.token(), true}}
	}
	return []Variable{{"ANTHROPIC_BASE_URL", s.base(), false}, {"ANTHROPIC_API_KEY", s.token(), true}}
}

func claudeEnvironment(s Settings) []Variable {
	out := []Variable{
		{"ANTHROPIC_BASE_URL", s.base(), false}, {"ANTHROPIC_AUTH_TOKEN", s.token(), true},
		{"API_TIMEOUT_MS", claudeTimeout, false}, {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1", false},
	}
	if s.Model == "" {
		return out
	}
	for _, slot := range []string{"ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL", "ANTHROPIC_DEFAULT_FABLE_MODEL", "CLAUDE_CODE_SUBAGENT_MODEL"} {
		out = append(out, Variable{slot, s.Model, false})
	}
	return append(out, Variable{"ANTHROPIC_DEFAULT_HAIKU_MODEL", cmp.Or(s.Small, s.Model), false})
}

// rivals are variables that would lead a client elsewhere, or make it ask which
// of two keys is meant.
func rivals(c Client) []string {
	switch c {
	case Claude:
		return []string{
			"ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY",
			"ANTHROPIC_SMALL_FAST_MODEL",
		}
	case Anthropic:
		return []string{"ANTHROPIC_AUTH_TOKEN"}
	}
	return nil
}

// Over lays a client's variables over an environment as os.Environ returns it,
// without what would lead the client elsewhere.
func Over(environ []string, c Client, s Settings) []string {
	set := Environment(c, s)
	drop := map[string]bool{}
	for _, name := range rivals(c) {
		drop[name] = true
	}
	for _, v := range set {
		drop[v.Name] = true
	}
	var out []string
	for _, line := range environ {
		if name, _, _ := strings.Cut(line, "="); !drop[name] {
			out = append(out, line)
		}
	}
	for _, v := range set {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// Args returns what stands before the user's own arguments.
func Args(c Client, s Settings) []string {
	if c != Codex {
		return nil
	}
	args := []string{"-c", `model_provider="aimux"`, "-c", "model_providers.aimux=" + inlineProvider(s)}
	if s.Model != "" {
		args = append(args, "-c", "model="+tomlString(s.Model))
	}
	return args
}

func inlineProvider(s Settings) string {
	return `{name="aimux",base_url=` + tomlString(s.base()+"/v1") + `,wire_api="responses",env_key="` + tokenVariable +
		`",stream_idle_timeout_ms=` + codexIdle + `}`
}

// codexIdle is how long, in milliseconds, Codex waits for the next event of a
// stream. The gateway pings every 15 seconds; this is Codex's own default.
const codexIdle = "300000"

// Normalise corrects the spellings of --dangerously-skip-permissions that people
// try, as the first aimux did. Other arguments stay as they are.
func Normalise(c Client, args []string) []string {
	out := append([]string(nil), args...)
	if c != Claude {
		return out
	}
	for i, arg := range out {
		if arg == "--" {
			break
		}
		switch strings.ReplaceAll(strings.ToLower(arg), "_", "-") {
		case "--dangerously-skip-permission", "--dangerous-skip-permission", "--dangerous-skip-permissions",
			"--dangerously", "--dangerous", "--skip-permission", "--skip-permissions":
			out[i] = "--dangerously-skip-permissions"
		}
	}
	return out
}

package legacy

import (
	"strings"
)

// verdictOfKey is what a key of an old file is worth.
type verdictOfKey uint8

const (
	usable verdictOfKey = iota
	absent
	placeholder
	encrypted
	reference // ${NAME}: the name of an environment variable
	malformed
)

// The lengths, in bytes, a key may have.
const (
	minKey = 8
	maxKey = 4096
)

// judged is a key's value, made ready, and what is to be said about it.
type judged struct {
	verdict verdictOfKey
	value   string // of a usable key; the name of a reference
	why     string // for a report; never repeats the value
}

// judge looks at what stood in the place of a key.
func judge(raw string) judged {
	value := strings.TrimSpace(raw)
	for _, scheme := range []string{"Bearer ", "bearer "} {
		value = strings.TrimSpace(strings.TrimPrefix(value, scheme))
	}
	name, isReference := variable(value)
	switch {
	case value == "":
		return judged{verdict: absent, why: "no key was given"}
	case isReference:
		return judged{reference, name, "it names an environment variable"}
	case isEncrypted(value):
		return judged{verdict: encrypted, why: "it is encrypted or was blotted out by the old version, which nothing can undo; enter the key anew"}
	case isPlaceholder(value):
		return judged{verdict: placeholder, why: "a placeholder, not a key; enter the real one"}
	case len(value) < minKey:
		return judged{verdict: malformed, why: "shorter than any key; enter it anew"}
	case len(value) > maxKey:
		return judged{verdict: malformed, why: "longer than any key; enter it anew"}
	case strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }):
		return judged{verdict: malformed, why: "it has spaces or characters no key has, perhaps because the old version encrypted it; enter it anew"}
	}
	j := judged{verdict: usable, value: value}
	if value != raw {
		j.why = "the spaces or the word Bearer around it are removed"
	}
	return j
}

// variable returns the name in ${NAME} or $NAME.
func variable(s string) (string, bool) {
	name, ok := strings.CutPrefix(s, "$")
	if !ok {
		return "", false
	}
	if strings.HasPrefix(name, "{") && strings.HasSuffix(name, "}") {
		name, _, _ = strings.Cut(name[1:len(name)-1], ":-")
	}
	return name, isVariable(name)
}

// isVariable reports whether s can name an environment variable.
func isVariable(s string) bool {
	if s == "" || len(s) > 128 || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// isEncrypted recognises what the old versions put in the place of a key when they
// encrypted or hid it.
func isEncrypted(s string) bool {
	return strings.Contains(s, "***") || strings.HasPrefix(strings.ToLower(s), "encrypted:")
}

// isPlaceholder recognises the examples of old files and documents.
func isPlaceholder(s string) bool {
	folded := strings.ReplaceAll(strings.ToUpper(s), "-", "_")
	switch folded {
	case "TEST_KEY", "DUMMY_KEY", "SYNTHETIC_KEY", "SYNTHETIC_TEST_KEY", "CHANGEME", "CHANGE_ME", "API_KEY", "NONE", "NULL":
		return true
	}
	for _, sign := range []string{"YOUR_", "<YOUR", "DUMMY_KEY", "REPLACE_ME", "REPLACE_WITH", "ENTER_YOUR", "INSERT_YOUR"} {
		if strings.HasPrefix(folded, sign) || len(sign) > 5 && strings.Contains(folded, sign) {
			return true
		}
	}
	return strings.HasSuffix(folded, "_DEMO_KEY") || s[0] == '<' && s[len(s)-1] == '>' || s[0] == '$' ||
		len(s) > 2 && strings.Trim(s, s[:1]) == ""
}

// shape is the form a vendor gives its keys.
type shape struct {
	prefix string
	kind   string // of the catalogue; "" is a secret of somebody who is no provider
}

// shapes are tried in order, the longer prefix first.
var shapes = [...]shape{
	{"sk-ant-", "anthropic"}, {"sk-cp-", "minimax"}, {"sk-api-", "minimax"}, {"sk-or-", "openrouter"},
	{"sk-kimi-", "kimi-coding"}, {"csk-", "cerebras"}, {"syn_", "synthetic"}, {"gsk_", "groq"}, {"eyJ", "minimax"},
	{"sk-", "openai"}, {"sk_", ""}, {"xai-", ""}, {"AIza", ""}, {"pk_", ""}, {"rk_", ""}, {"xoxb-", ""}, {"xoxp-", ""},
	{"ghp_", ""}, {"gho_", ""}, {"ghu_", ""}, {"github_pat_", ""}, {"hf_", ""}, {"nvapi-", ""}, {"amx_", ""},
	{"Bearer ", ""}, {"bearer ", ""}, {"Basic ", ""},
}

// vendorOf tells by a key's shape whose it is; ok reports whether s has the shape
// of a secret at all.
func vendorOf(s string) (kind string, ok bool) {
	if strings.Contains(s, "…") {
		return "", false // what Mask left of one
	}
	if id, rest, dotted := strings.Cut(s, "."); dotted && len(id) == 32 && len(rest) == 16 && strings.Trim(id, "0123456789abcdef") == "" {
		return "zai", true
	}
	for _, sh := range shapes {
		if !strings.HasPrefix(s, sh.prefix) || len(s) < len(sh.prefix)+6 {
			continue
		}
		if sh.prefix == "eyJ" && strings.Count(s, ".") != 2 {
			return "", true
		}
		return sh.kind, true
	}
	return "", false
}

// hasSecretShape reports whether s is built like a key of a known vendor.
func hasSecretShape(s string) bool {
	_, ok := vendorOf(s)
	return ok
}

// Mask returns what may be shown of a secret: its ends when it is long, nothing
// of it otherwise.
func Mask(secret string) string {
	if len(secret) < 20 {
		return "****"
	}
	return secret[:4] + "…" + secret[len(secret)-4:]
}

package dialect

import (
	"encoding/base64"
	"encoding/hex"
	"hash/fnv"
	"strings"
)

// maxID is the length of a tool call id that every provider takes.
const maxID = 64

// Prefixes of ids that aimux made out of others. An id under packedID holds
// the provider's own; one under hashedID only stands for it.
const (
	packedID = "call_b64_"
	hashedID = "call_h_"
)

// WireID returns a tool call id that every dialect takes ([a-zA-Z0-9_-], at
// most 64 characters). Good ids stay as they are, the same id always gives the
// same result, and ProviderID gives short ones back to who made them.
func WireID(id string) string {
	if len(id) <= maxID && isName(id) {
		return id
	}
	if n := base64.RawURLEncoding.EncodedLen(len(id)); id != "" && len(packedID)+n <= maxID {
		return packedID + base64.RawURLEncoding.EncodeToString([]byte(id))
	}
	return hashedID + digest(id)
}

// ProviderID undoes WireID where it can be undone: a provider gets its own
// odd ids back. What only looks packed stays as it is.
func ProviderID(id string) string {
	if packed, ok := strings.CutPrefix(id, packedID); ok {
		own, err := base64.RawURLEncoding.DecodeString(packed)
		if err == nil && WireID(string(own)) == id {
			return string(own)
		}
	}
	if len(id) <= maxID {
		return id
	}
	return WireID(id)
}

// MadeID returns an id for a call that came without one: the same for the same
// answer, place and tool.
func MadeID(answer string, place int, name string) string {
	return "call_" + digest(answer+"\x00"+string(rune('0'+place%64))+"\x00"+name)
}

// digest is 32 hexadecimal characters that stand for s. It need not resist
// forgery, only accidents.
func digest(s string) string {
	h := fnv.New128a()
	h.Write([]byte(s))
	return hex.EncodeToString(h.Sum(nil))
}

// isName reports whether s is of the characters tool names and ids may have,
// and not empty.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			continue
		}
		return false
	}
	return s != ""
}

package responses

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxID is the longest id OpenAI takes back in a request, in bytes.
const maxID = 64

// responseID is the id of a response made from an answer whose own id is
// given. The same answer always gets the same id. An answer without one gets
// a random one.
func responseID(id string) string {
	if id == "" {
		return "resp_" + strings.ToLower(rand.Text())
	}
	return prefixed("resp_", id)
}

// itemID is the id of an item. key tells the items of one kind apart, for
// example the call's id.
func itemID(prefix, key string) string { return prefixed(prefix, key) }

// prefixed returns id with the prefix its kind has at OpenAI, within maxID
// and OpenAI's character set. An id that does not fit is replaced by its hash.
func prefixed(prefix, id string) string {
	if strings.HasPrefix(id, prefix) && fits(id) {
		return id
	}
	if fits(prefix + id) {
		return prefix + id
	}
	sum := sha256.Sum256([]byte(id))
	return prefix + hex.EncodeToString(sum[:16])
}

// fits reports whether OpenAI takes id as it is.
func fits(id string) bool {
	if len(id) == 0 || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

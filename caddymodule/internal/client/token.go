package client

import (
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/big"
	"strings"
)

// Prefix begins every token made here, so that a secret scanner knows one when
// it sees one.
const Prefix = "amx_"

const (
	secretLength   = 43 // 256 random bits in base 62
	checksumLength = 6  // 32 bits in base 62
	idLength       = 10
	maxIDLength    = 32
	// maxToken bounds, in bytes, what Parse looks at.
	maxToken = 128
	// minStatic and maxStatic bound, in bytes, the tokens of other makers.
	minStatic = 20
	maxStatic = 512
)

const base62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Token is a client's secret. It prints and marshals as a placeholder; only
// Reveal gives the text away. The zero value is no token.
type Token struct{ text string }

// TokenOf returns the token with that text, unchecked.
func TokenOf(text string) Token { return Token{text} }

// newToken makes a token for the client with that id.
func newToken(id string) Token {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails: it crashes the process instead
	digits := new(big.Int).SetBytes(secret[:]).Text(62)
	head := Prefix + id + "_" + strings.Repeat("0", secretLength-len(digits)) + digits
	sum := checksum(head)
	return Token{head + string(sum[:])}
}

// newID makes an id that nobody has, most likely: 50 random bits.
func newID() string { return strings.ToLower(rand.Text()[:idLength]) }

// Reveal returns the text of the token. It is shown once, to who asked for the
// token.
func (t Token) Reveal() string { return t.text }

// String returns a placeholder with the client's id, if the token has one.
func (t Token) String() string {
	if id, err := Parse(t.text); err == nil {
		return Prefix + id + "_[redacted]"
	}
	return "[redacted]"
}

// GoString returns the placeholder.
func (t Token) GoString() string { return t.String() }

// Format writes the placeholder, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, t.String()) }

// MarshalText returns the placeholder.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue returns the placeholder.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Parse checks the form of a token (amx_, id, underscore, 43 characters of secret,
// 6 of checksum, all in base 62) and returns the id in it. Whatever is wrong, the
// error is Malformed and nothing else is told. It reads at most 128 bytes and
// does not allocate. A token of the right form may still be nobody's.
func Parse(text string) (id string, err error) {
	id, ok := shape(text)
	if !ok || !sumsUp(text) {
		return "", Malformed
	}
	return id, nil
}

// shape is Parse without the checksum.
func shape(text string) (id string, ok bool) {
	if len(text) > maxToken || !ours(text) {
		return "", false
	}
	id, tail, _ := strings.Cut(text[len(Prefix):], "_")
	return id, isID(id) && len(tail) == secretLength+checksumLength && isBase62(tail)
}

// sumsUp reports whether the checksum at the end of text, which has the shape of a
// token, is right.
func sumsUp(text string) bool {
	head := len(text) - checksumLength
	sum := checksum(text[:head])
	return string(sum[:]) == text[head:]
}

// checksum returns the CRC-32 (IEEE) of s in base 62. It tells a typo from an
// unknown token and protects nothing.
func checksum(s string) (sum [checksumLength]byte) {
	crc := ^uint32(0)
	for i := range len(s) { // crc32.ChecksumIEEE would need s as bytes, on the heap
		crc = crc32.IEEETable[byte(crc)^s[i]] ^ crc>>8
	}
	crc = ^crc
	for i := range sum {
		sum[checksumLength-1-i] = base62[crc%62]
		crc /= 62
	}
	return sum
}

func isID(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxIDLength
}

// base62Set has a bit for each byte that is a digit of base 62.
var base62Set = [4]uint64{0x03ff_0000_0000_0000, 0x07ff_fffe_07ff_fffe}

// isBase62 does not branch on the characters, which are random.
func isBase62(s string) bool {
	all := uint64(1)
	for i := range len(s) {
		all &= base62Set[s[i]>>6] >> (s[i] & 63)
	}
	return all == 1
}

// ours reports whether text claims to be a token made here.
func ours(text string) bool { return strings.HasPrefix(text, Prefix) }

// shaped reports whether text can be a token at all, the checksum aside: one made
// here, or one of another maker with 20 to 512 visible ASCII characters.
func shaped(text string) bool {
	if ours(text) {
		_, ok := shape(text)
		return ok
	}
	if len(text) < minStatic || len(text) > maxStatic {
		return false
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

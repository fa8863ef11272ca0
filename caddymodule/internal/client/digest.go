package client

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// minPepper is the size, in bytes, below which a pepper is refused: an HMAC under
// an empty or short key can be forged.
const minPepper = 32

// digest is the HMAC-SHA256 of a token. It has no exported field and no
// marshaller, so no encoder writes it by accident; only the store's file has a
// form for it.
type digest struct{ sum [sha256.Size]byte }

// Format writes a placeholder, whatever the verb.
func (digest) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[digest]") }

func (d digest) zero() bool { return d == digest{} }

func (d digest) equal(other digest) bool { return hmac.Equal(d.sum[:], other.sum[:]) }

// encode and decodeDigest are the form of the store's file.
func (d digest) encode() string { return hex.EncodeToString(d.sum[:]) }

func decodeDigest(text string) (d digest, err error) {
	if len(text) != hex.EncodedLen(len(d.sum)) {
		return digest{}, errors.New("not a digest")
	}
	_, err = hex.Decode(d.sum[:], []byte(text))
	return d, err
}

// hasher computes digests of tokens without allocating.
type hasher struct{ pool sync.Pool }

type scratch struct {
	mac hash.Hash
	in  [maxStatic]byte
	out [sha256.Size]byte
}

func newHasher(pepper []byte) *hasher {
	return &hasher{sync.Pool{New: func() any { return &scratch{mac: hmac.New(sha256.New, pepper)} }}}
}

// sum returns the digest of a token that is no longer than maxStatic.
func (h *hasher) sum(token string) (d digest) {
	s := h.pool.Get().(*scratch)
	n := copy(s.in[:], token)
	s.mac.Reset()
	s.mac.Write(s.in[:n])
	s.mac.Sum(s.out[:0])
	d.sum = s.out
	clear(s.in[:n])
	h.pool.Put(s)
	return d
}

// checkPepper returns a copy of pepper, or an error if it is too short.
func checkPepper(pepper []byte) ([]byte, error) {
	if len(pepper) < minPepper {
		return nil, fmt.Errorf("the pepper of the client keys has %d bytes, which is too short: it needs at least %d random ones", len(pepper), minPepper)
	}
	return append([]byte(nil), pepper...), nil
}

// sealKey derives the key that seals the store's file.
func sealKey(pepper []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, pepper, nil, "aimux clients file mac v1", sha256.Size)
}

func seal(key, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return mac.Sum(nil)
}

package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// keyset is what follows from the key-encryption key (KEK): a key for each
// purpose, so that none serves two.
type keyset struct {
	kek   []byte
	store string      // the id of the keystore
	id    string      // names the KEK in the file without telling it
	mac   []byte      // authenticates the file
	wrap  cipher.AEAD // seals the data keys and the root

	kind, where string // the source: "key file", "/etc/aimux-kek/kek"
}

func newKeyset(m material, store string) (*keyset, error) {
	if len(m.key) != keyBytes {
		return nil, fmt.Errorf("the key has %d bytes instead of %d", len(m.key), keyBytes)
	}
	id, err1 := subkey(m.key, "", "kek id") // the same in every keystore
	mac, err2 := subkey(m.key, store, "file mac")
	wrap, err3 := subkey(m.key, store, "dek wrap")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("deriving the keys of the keystore: %w", err)
	}
	aead, err := newAEAD(wrap)
	return &keyset{kek: m.key, store: store, id: hex.EncodeToString(id[:8]), mac: mac, wrap: aead, kind: m.kind, where: m.where}, err
}

// subkey derives a key for one purpose in one keystore: HKDF-SHA256, RFC 5869.
func subkey(key []byte, store, label string) ([]byte, error) {
	return hkdf.Key(sha256.New, key, []byte(store), "aimux keystore v1: "+label, keyBytes)
}

// newAEAD returns AES-256-GCM that makes its own random nonce of 96 bits and
// puts it in front of what it seals.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// sum returns the HMAC-SHA256 of a file's body in hexadecimal.
func (k *keyset) sum(body []byte) string {
	h := hmac.New(sha256.New, k.mac)
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// bind joins what a sealed text is bound to. Each part is preceded by its
// length, so that no two lists of parts give the same bytes.
func bind(parts ...string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint64(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}

func bindDEK(store, id string) []byte { return bind("aimux dek v1", store, id) }
func bindRoot(store string) []byte    { return bind("aimux root v1", store) }

// bindRecord is what a record's secret is sealed with: moved to another
// record, brought back in an old version or pointed at another host, it does
// not open.
func bindRecord(store string, r *record) []byte {
	version := binary.BigEndian.AppendUint64(nil, r.Version)
	return bind("aimux record v1", store, r.ID, string(version), r.DEK, string(r.Origin))
}

// randomBytes never fails: crypto/rand ends the process when the system has no
// randomness.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func randomID(n int) string { return hex.EncodeToString(randomBytes(n)) }

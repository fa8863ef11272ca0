package audit

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
)

// Checkpoint states where the log stood. It covers every record before it,
// because each holds the hash of its predecessor.
type Checkpoint struct {
	Log   string `json:"log"`           // the log's id
	Seq   uint64 `json:"seq"`           // the last record before
	Head  string `json:"head"`          // its hash
	Count int    `json:"count"`         // records since the checkpoint before, as far as this process knows
	Time  string `json:"ts"`            // as in Record
	Key   string `json:"key,omitempty"` // the public key, hexadecimal; empty: not signed
	Sig   string `json:"sig,omitempty"` // the Ed25519 signature, hexadecimal
}

// Head is where the log stands, for somebody to remember elsewhere: a log that
// was cut, or written anew from some place on, no longer contains it.
type Head struct {
	Log  string `json:"log"`
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
	Time string `json:"ts"`
	Key  string `json:"key,omitempty"`
	Sig  string `json:"sig,omitempty"`
}

// String writes a head on one line.
func (h Head) String() string { return fmt.Sprintf("log %s seq %d head %s", h.Log, h.Seq, h.Hash) }

// message is what is signed.
func (c *Checkpoint) message() []byte {
	return fmt.Appendf(nil, "aimux audit checkpoint v1\n%s\n%d\n%s\n%d\n%s\n", c.Log, c.Seq, c.Head, c.Count, c.Time)
}

// sign signs the checkpoint; without a key it stays unsigned.
func (c *Checkpoint) sign(key ed25519.PrivateKey) {
	if key == nil {
		return
	}
	c.Key = hex.EncodeToString(key.Public().(ed25519.PublicKey))
	c.Sig = hex.EncodeToString(ed25519.Sign(key, c.message()))
}

// check says whether one of the keys signed the checkpoint.
func (c *Checkpoint) check(keys []ed25519.PublicKey) (signed bool, problem string) {
	if c.Sig == "" {
		return false, ""
	}
	sig, err := hex.DecodeString(c.Sig)
	if err != nil {
		return false, "the signature of the checkpoint is not written as one"
	}
	for _, k := range keys {
		if hex.EncodeToString(k) == c.Key && ed25519.Verify(k, c.message(), sig) {
			return true, ""
		}
	}
	return false, fmt.Sprintf("the checkpoint is not signed by a key that is trusted (it names %.16s…)", c.Key)
}

func (c *Checkpoint) headOf() Head {
	return Head{Log: c.Log, Seq: c.Seq, Hash: c.Head, Time: c.Time, Key: c.Key, Sig: c.Sig}
}

package vault

import (
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// kdf says how the key follows from a passphrase. The zero value means that
// there is no passphrase: the source has the key itself.
type kdf struct {
	Name      string `json:"name"` // "none" or "argon2id"
	Salt      []byte `json:"salt,omitempty"`
	MemoryKiB uint32 `json:"memory_kib,omitempty"`
	Time      uint32 `json:"time,omitempty"`
	Threads   uint8  `json:"threads,omitempty"`
}

const (
	kdfNone   = "none"
	kdfArgon2 = "argon2id"

	keyBytes  = 32 // of every symmetric key here
	saltBytes = 16
)

// The costs of Argon2id (RFC 9106). New keystores get usualCost. What a file
// asks for must lie between the floor (OWASP's least) and the ceiling, which
// keeps a hostile file from stalling the start or eating the memory.
var (
	usualCost   = kdf{MemoryKiB: 64 << 10, Time: 3, Threads: 1}
	floorCost   = kdf{MemoryKiB: 19 << 10, Time: 2, Threads: 1}
	ceilingCost = kdf{MemoryKiB: 1 << 20, Time: 10, Threads: 8}
)

// newKDF returns the usual cost with a fresh salt.
func newKDF() kdf {
	k := usualCost
	k.Name, k.Salt = kdfArgon2, randomBytes(saltBytes)
	return k
}

// check says what is wrong with parameters that were read from a file.
func (k kdf) check() error {
	switch {
	case k.Name == kdfNone && k.Salt == nil && k.MemoryKiB == 0 && k.Time == 0 && k.Threads == 0:
		return nil
	case k.Name == kdfNone:
		return damaged("kdf", "it has parameters but no name")
	case k.Name != kdfArgon2:
		return parameters(fmt.Sprintf("the function %.20q is not one that aimux knows", k.Name))
	case len(k.Salt) < saltBytes || len(k.Salt) > 64:
		return parameters(fmt.Sprintf("the salt has %d bytes; 16 to 64 are accepted", len(k.Salt)))
	}
	for _, p := range []struct {
		name             string
		have, floor, top uint32
	}{
		{"memory_kib", k.MemoryKiB, floorCost.MemoryKiB, ceilingCost.MemoryKiB},
		{"time", k.Time, floorCost.Time, ceilingCost.Time},
		{"threads", uint32(k.Threads), uint32(floorCost.Threads), uint32(ceilingCost.Threads)},
	} {
		if p.have < p.floor || p.have > p.top {
			return parameters(fmt.Sprintf("%s is %d; %d to %d are accepted", p.name, p.have, p.floor, p.top))
		}
	}
	return nil
}

// derive spends the cost and returns the key. The parameters must have been
// checked.
func (k kdf) derive(passphrase secret.Text) []byte {
	return argon2.IDKey([]byte(passphrase.Reveal()), k.Salt, k.Time, k.MemoryKiB, k.Threads, keyBytes)
}

func parameters(problem string) error {
	return &Error{
		Kind: ErrParameters, Where: "kdf", Problem: problem,
		Mend: "aimux never wrote such a file: restore it from a backup, and ask where it came from",
	}
}

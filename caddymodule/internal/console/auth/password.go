package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Cost is the price of a hash: Argon2id with one lane. The zero value is the
// floor that OWASP's password storage cheat sheet names: 19 MiB and 2 passes.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
}

// Hashes that a users file may ask for at most, so that a hostile file cannot
// stall the console.
const (
	maxMemoryKiB = 256 << 10
	maxPasses    = 10
	maxLanes     = 4
)

const (
	saltSize = 16
	hashSize = 32
	// minPassword and maxPassword bound the passwords that may be set, in
	// characters and bytes.
	minPassword = 12
	maxPassword = 1024
	// atOnce bounds the hashes being computed, and inLine those that wait.
	atOnce = 1
	inLine = 32
)

// hash is a password's Argon2id hash. It has no text form, so that it cannot
// reach an answer or a log by accident (LiteLLM GHSA-69x8: the hash was served,
// and accepted as the password); encode is for the users file alone.
type hash struct {
	cost  Cost
	lanes uint8
	salt  []byte
	sum   []byte
}

// String hides the hash from formatted output.
func (hash) String() string { return "[hash]" }

// GoString hides the hash from %#v.
func (hash) GoString() string { return "[hash]" }

// MarshalText refuses to write a hash.
func (hash) MarshalText() ([]byte, error) {
	return nil, errors.New("a password hash is not for showing")
}

func (h hash) set() bool { return len(h.sum) > 0 }

// encode returns the PHC string form of h.
func (h hash) encode() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.cost.MemoryKiB, h.cost.Passes, h.lanes, b64.EncodeToString(h.salt), b64.EncodeToString(h.sum))
}

// parseHash reads what encode wrote and refuses costs above the ceilings.
func parseHash(s string) (hash, error) {
	bad := errors.New("not an Argon2id hash")
	parts := strings.Split(s, "$")
	if len(s) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return hash{}, bad
	}
	var h hash
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.cost.MemoryKiB, &h.cost.Passes, &h.lanes)
	if err != nil || n != 3 {
		return hash{}, bad
	}
	if h.cost.MemoryKiB > maxMemoryKiB || h.cost.Passes > maxPasses || h.lanes > maxLanes {
		return hash{}, errors.New("a hash that asks for more work than is allowed")
	}
	if h.cost.MemoryKiB < 8 || h.cost.Passes < 1 || h.lanes < 1 {
		return hash{}, bad
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(sum) < 16 {
		return hash{}, bad
	}
	h.salt, h.sum = salt, sum
	return h, nil
}

// hasher computes hashes, one at a time.
type hasher struct {
	cost    Cost
	slots   chan struct{}
	waiting atomic.Int32
	// decoy is what a password is checked against when its user does not
	// exist. No password matches it: its sum is random.
	decoy hash
}

func newHasher(c Cost) *hasher {
	if c.MemoryKiB == 0 {
		c.MemoryKiB = 19 << 10
	}
	if c.Passes == 0 {
		c.Passes = 2
	}
	h := &hasher{cost: c, slots: make(chan struct{}, atOnce)}
	h.decoy = hash{cost: c, lanes: 1, salt: random(saltSize), sum: random(hashSize)}
	return h
}

// hash returns the hash of password with a new salt.
func (h *hasher) hash(ctx context.Context, password string) (hash, error) {
	out := hash{cost: h.cost, lanes: 1, salt: random(saltSize)}
	sum, err := h.sum(ctx, out, password, hashSize)
	out.sum = sum
	return out, err
}

// matches reports whether password is the one that want was made from. An unset
// hash takes as long as a set one and matches nothing.
func (h *hasher) matches(ctx context.Context, want hash, password string) (bool, error) {
	known := want.set()
	if !known {
		want = h.decoy
	}
	sum, err := h.sum(ctx, want, password, uint32(len(want.sum)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, want.sum) == 1 && known, nil
}

func (h *hasher) sum(ctx context.Context, p hash, password string, size uint32) ([]byte, error) {
	if h.waiting.Add(1) > inLine {
		h.waiting.Add(-1)
		return nil, ErrBusy
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	// The collector lets the heap grow in proportion to what lived when it last
	// looked. A hash's memory must not count in that: after a few guesses the
	// process would keep ten times as much.
	defer runtime.GC()
	return argon2.IDKey([]byte(password), p.salt, p.cost.Passes, p.cost.MemoryKiB, p.lanes, size), nil
}

// alphabet leaves out what is easily misread.
const alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// Generate returns a random password of 20 characters, 116 bits of chance.
func Generate() string {
	out := make([]byte, 0, 20)
	for len(out) < cap(out) {
		for _, b := range random(32) {
			// Only bytes below a multiple of the alphabet's length keep the choice even.
			if int(b) < 256/len(alphabet)*len(alphabet) && len(out) < cap(out) {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// checkPassword says what is wrong with a password somebody wants to set.
func checkPassword(field, user, password string) error {
	rule := func(text string) error { return &RuleError{Field: field, Text: text} }
	switch {
	case !utf8.ValidString(password):
		return rule("the password is not valid UTF-8")
	case utf8.RuneCountInString(password) < minPassword:
		return rule(fmt.Sprintf("the password needs at least %d characters", minPassword))
	case len(password) > maxPassword:
		return rule(fmt.Sprintf("the password is longer than %d bytes", maxPassword))
	case strings.Contains(strings.ToLower(password), strings.ToLower(user)) && len(password) < 2*len(user)+6:
		return rule("the password is hardly more than the user name")
	case strings.Count(password, password[:1]) == len(password):
		return rule("the password is one character over and over")
	}
	return nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails: it ends the process instead
	return b
}

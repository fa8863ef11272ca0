package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// maxAuthorization bounds the Authorization header that is looked at, in bytes.
const maxAuthorization = 4096

// ParseBasic reads an Authorization header of the Basic scheme (RFC 7617). The
// user name has no colon and no control characters.
func ParseBasic(header string) (user, password string, ok bool) {
	if len(header) > maxAuthorization {
		return "", "", false
	}
	scheme, code, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "basic") {
		return "", "", false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(code, " "))
	if err != nil || !utf8.Valid(raw) {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(raw), ":")
	if !ok || user == "" || strings.ContainsFunc(string(raw), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", "", false
	}
	return user, password, true
}

// basics remembers for a short while which pairs of name and password were
// right, so that a script that polls does not cost a slow hash each time.
type basics struct {
	key [32]byte

	mu    sync.Mutex
	known map[[sha256.Size]byte]basic
}

type basic struct {
	user   string
	serial uint64
	until  time.Time
}

const (
	basicFor  = 5 * time.Minute
	maxBasics = 256
)

// digest is the whole HMAC of the pair, so that no two pairs meet in one entry
// (LiteLLM CVE-2026-35030).
func (b *basics) digest(user, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, b.key[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(user))))
	mac.Write([]byte(user))
	mac.Write([]byte(password))
	mac.Sum(sum[:0])
	return sum
}

func (b *basics) get(d [sha256.Size]byte, now time.Time) (basic, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x, ok := b.known[d]
	return x, ok && now.Before(x.until) && x.until.Sub(now) <= basicFor
}

func (b *basics) put(d [sha256.Size]byte, x basic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil || len(b.known) >= maxBasics {
		b.known = map[[sha256.Size]byte]basic{}
	}
	b.known[d] = x
}

// Basic returns who an Authorization header stands for. The errors are those of
// Login; a header that is no basic authentication is ErrCredentials. The
// development login never works this way.
func (a *Authority) Basic(ctx context.Context, header string, ip netip.Addr) (Identity, error) {
	user, password, ok := ParseBasic(header)
	if !ok {
		return Identity{}, ErrCredentials
	}
	now := a.now()
	a.store.refresh(now)
	d := a.basics.digest(user, password)
	if x, ok := a.basics.get(d, now); ok {
		if u, ok := a.store.find(x.user); ok && u.serial == x.serial {
			return Identity{User: u.Name, Role: u.Role}, nil
		}
	}
	if wait, began := a.limiter.take(ip, now); wait > 0 {
		return Identity{}, &LimitedError{wait, began}
	}
	u, err := a.check(ctx, Attempt{User: user, Password: password, IP: ip})
	if err != nil {
		return Identity{}, err
	}
	a.basics.put(d, basic{u.Name, u.serial, now.Add(basicFor)})
	return Identity{User: u.Name, Role: u.Role}, nil
}

package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"
)

// How long a session lasts, and how many there may be.
const (
	IdleTimeout     = 30 * time.Minute
	AbsoluteTimeout = 12 * time.Hour
	maxSessions     = 1000
	maxPerUser      = 20
)

// tokenSize is the length of a session id in its cookie: 256 bits in base64url.
const tokenSize = 43

// sessions are the sessions by the SHA-256 of their ids. The zero value is ready.
type sessions struct {
	mu   sync.Mutex
	byID map[[sha256.Size]byte]*session
}

type session struct {
	user    string
	serial  uint64 // of the user's record when the session began
	dev     bool
	created time.Time
	used    time.Time
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.used) >= IdleTimeout || now.Sub(s.created) >= AbsoluteTimeout
}

// begin makes a session and returns its id, which is kept nowhere.
func (s *sessions) begin(n session) string {
	token := base64.RawURLEncoding.EncodeToString(random(32))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[[sha256.Size]byte]*session{}
	}
	s.makeRoom(n.user, n.created)
	s.byID[sha256.Sum256([]byte(token))] = &n
	return token
}

// makeRoom drops what is over, then the user's least used session and the least
// used of all while there are too many.
func (s *sessions) makeRoom(user string, now time.Time) {
	own := 0
	for id, old := range s.byID {
		if old.over(now) {
			delete(s.byID, id)
		} else if old.user == user {
			own++
		}
	}
	if own >= maxPerUser {
		s.dropOldest(func(x *session) bool { return x.user == user })
	}
	if len(s.byID) >= maxSessions {
		s.dropOldest(func(*session) bool { return true })
	}
}

func (s *sessions) dropOldest(which func(*session) bool) {
	var oldest [sha256.Size]byte
	var found *session
	for id, x := range s.byID {
		if which(x) && (found == nil || x.used.Before(found.used)) {
			oldest, found = id, x
		}
	}
	delete(s.byID, oldest)
}

// get returns a copy of the session with this id, if it is not over. touch
// starts its idle time anew.
func (s *sessions) get(token string, now time.Time, touch bool) (session, bool) {
	if len(token) != tokenSize {
		return session{}, false
	}
	id := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.byID[id]
	if !ok {
		return session{}, false
	}
	if x.over(now) {
		delete(s.byID, id)
		return session{}, false
	}
	if touch {
		x.used = now
	}
	return *x, true
}

func (s *sessions) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, sha256.Sum256([]byte(token)))
}

// endAll ends the sessions of a user.
func (s *sessions) endAll(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.byID {
		if x.user == user {
			delete(s.byID, id)
		}
	}
}

// Session returns who the session id in a cookie stands for. touch counts the
// call as use; a live feed looks without touching, so that a forgotten page does
// not keep its session alive.
func (a *Authority) Session(token string, touch bool) (Identity, bool) {
	now := a.now()
	s, ok := a.sessions.get(token, now, touch)
	if !ok {
		return Identity{}, false
	}
	a.store.refresh(now)
	id := Identity{User: s.user, Dev: s.dev, Expires: s.created.Add(AbsoluteTimeout)}
	if s.dev {
		id.Role, id.MustChange = Admin, true
		ok = a.DevLogin()
	} else {
		var u record
		u, ok = a.store.find(s.user)
		ok = ok && u.serial == s.serial
		id.Role = u.Role
	}
	if !ok {
		a.sessions.end(token)
		return Identity{}, false
	}
	return id, true
}

// Logout ends a session.
func (a *Authority) Logout(token string) { a.sessions.end(token) }

// Package auth says who is at the console: users and their passwords, sessions,
// basic authentication for scripts, and how fast a stranger may guess.
//
// Open reads the users file, FirstRun makes the first administrator, Login turns
// a name and a password into a Session, and Session and Basic turn what a
// request carries into an Identity. An Authority outlives configurations:
// sessions are kept in memory only and end when the process does.
//
// Promises: passwords are kept as Argon2id hashes and never leave the package
// in any form; a user name that does not exist costs and answers the same as a
// wrong password; session ids are 256 random bits of which only a SHA-256 is
// kept; a changed password, a changed role or a removed user ends the sessions
// that came before. All methods are safe for concurrent use, and time comes from
// Options.Now.
package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Role says what an identity may do. The roles are ordered: each may do all that
// those before it may.
type Role int

// The roles. The zero value may do nothing.
const (
	Nobody Role = iota
	Viewer
	Operator
	Admin
)

var roleNames = [...]string{"nobody", "viewer", "operator", "admin"}

// String returns the name of r as users files and answers spell it.
func (r Role) String() string {
	if r < Nobody || r > Admin {
		return roleNames[Nobody]
	}
	return roleNames[r]
}

// ParseRole returns the role called name. Nobody is no role a user can have.
func ParseRole(name string) (Role, error) {
	for r := Viewer; r <= Admin; r++ {
		if roleNames[r] == name {
			return r, nil
		}
	}
	return Nobody, fmt.Errorf("role %.40q is none of viewer, operator, admin", name)
}

// Identity is who makes a request. The zero value is nobody.
type Identity struct {
	User string
	Role Role
	// MustChange means that the identity may do nothing but set a password.
	MustChange bool
	// Dev marks the sessions of the development login. The caller accepts them
	// only where DevAllowed holds.
	Dev bool
	// Expires is when the session ends at the latest; zero for basic
	// authentication.
	Expires time.Time
}

// Options say where an Authority keeps its users.
type Options struct {
	// Path is the users file. Required.
	Path string
	// PasswordFile is where FirstRun leaves the generated password until it is
	// changed. Default: "console-password" beside Path.
	PasswordFile string
	// DevLogin accepts admin/admin until a password was set for the first time.
	DevLogin bool
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Cost is the price of a password hash. Default: 19 MiB of memory, 2 passes.
	// Only tests have a reason to lower it.
	Cost Cost
}

// The errors of this package that callers tell apart. Their texts may be shown
// to whoever asked.
var (
	// ErrCredentials is the answer to every wrong name or password.
	ErrCredentials = errors.New("user name or password is wrong")
	// ErrBusy means that more passwords wait for their check than is healthy.
	ErrBusy = errors.New("too many logins at this moment; try again")
	// ErrNoUser means that there is no user of that name.
	ErrNoUser = errors.New("there is no such user")
	// ErrUserExists means that the name is taken.
	ErrUserExists = errors.New("there is a user of that name already")
	// ErrLastAdmin protects the last administrator.
	ErrLastAdmin = errors.New("the last administrator cannot be removed")
)

// LimitedError refuses a login because too many failed before.
type LimitedError struct {
	RetryAfter time.Duration
	Began      bool // this attempt began the lock; those after it only met it
}

// Error says how long to wait, in whole seconds.
func (e *LimitedError) Error() string {
	return fmt.Sprintf("too many failed logins; try again in %d seconds", Seconds(e.RetryAfter))
}

// Seconds rounds d up to whole seconds, at least one.
func Seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }

// RuleError says why a name or password cannot be accepted. Field is "user",
// "password", "role" or "new".
type RuleError struct{ Field, Text string }

// Error returns the text for the user.
func (e *RuleError) Error() string { return e.Text }

// Authority knows the users and their sessions. Make one with Open.
type Authority struct {
	now          func() time.Time
	dev          bool
	passwordFile string

	store    *store
	hasher   *hasher
	limiter  limiter
	sessions sessions
	basics   basics
}

// Open reads the users file, which need not exist yet. A file that cannot be
// read, that others than its owner may read, or that a newer version wrote, is
// refused.
func Open(o Options) (*Authority, error) {
	if o.Path == "" {
		return nil, errors.New("console users: no path of the users file")
	}
	if o.PasswordFile == "" {
		o.PasswordFile = filepath.Join(filepath.Dir(o.Path), "console-password")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &store{path: o.Path}
	if err := s.load(); err != nil {
		return nil, err
	}
	a := &Authority{
		now: o.Now, dev: o.DevLogin, passwordFile: o.PasswordFile,
		store: s, hasher: newHasher(o.Cost),
	}
	if _, err := rand.Read(a.basics.key[:]); err != nil {
		return nil, fmt.Errorf("console users: %w", err)
	}
	return a, nil
}

// NeedsFirstRun reports whether nobody was ever given a password.
func (a *Authority) NeedsFirstRun() bool { return a.store.virgin() }

// DevLogin reports whether admin/admin would be accepted at this moment from
// where DevAllowed holds.
func (a *Authority) DevLogin() bool { return a.dev && a.store.virgin() }

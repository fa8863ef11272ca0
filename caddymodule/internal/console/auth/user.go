package auth

import (
	"context"
	"fmt"
	"os"
	"time"
)

// User is what may be shown of a user.
type User struct {
	Name      string
	Role      Role
	Created   time.Time
	LastLogin time.Time // zero: never
}

// checkName says what is wrong with a user name.
func checkName(name string) error {
	if name == "" || len(name) > 63 {
		return &RuleError{"user", "a user name has 1 to 63 characters"}
	}
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return &RuleError{"user", "a user name is made of a–z, 0–9, dot, dash and underscore, and begins with a letter or digit"}
		}
	}
	return nil
}

// Users returns all users by name.
func (a *Authority) Users() []User {
	a.store.refresh(a.now())
	return a.store.users()
}

// CheckUser says what is wrong with a user that somebody wants to add, without
// adding it.
func (a *Authority) CheckUser(name, role, password string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if _, err := ParseRole(role); err != nil {
		return &RuleError{"role", err.Error()}
	}
	if err := checkPassword("password", name, password); err != nil {
		return err
	}
	if _, ok := a.store.find(name); ok {
		return ErrUserExists
	}
	return nil
}

// AddUser makes a user. The error is a *RuleError if name or password will not
// do, and ErrUserExists if the name is taken.
func (a *Authority) AddUser(ctx context.Context, name, role, password string) (User, error) {
	if err := a.CheckUser(name, role, password); err != nil {
		return User{}, err
	}
	r, _ := ParseRole(role)
	h, err := a.hasher.hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	u := record{User: User{Name: name, Role: r, Created: a.now().UTC()}, hash: h}
	err = a.store.update(func(t *table) error {
		if _, taken := t.users[name]; taken {
			return ErrUserExists
		}
		t.put(u)
		return nil
	})
	return u.User, err
}

// RemoveUser takes a user and their sessions away.
func (a *Authority) RemoveUser(name string) error {
	return a.store.update(func(t *table) error {
		u, ok := t.users[name]
		if !ok {
			return ErrNoUser
		}
		if u.Role == Admin && t.admins() == 1 {
			return ErrLastAdmin
		}
		delete(t.users, name)
		return nil
	})
}

// setPassword stores a new password, making the user an administrator if it
// does not exist and make is true. All sessions of the user end.
func (a *Authority) setPassword(ctx context.Context, name, password string, make bool) error {
	h, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	err = a.store.update(func(t *table) error {
		u, ok := t.users[name]
		if !ok && !make {
			return ErrNoUser
		}
		if !ok {
			u = record{User: User{Name: name, Role: Admin, Created: a.now().UTC()}}
		}
		u.hash = h
		t.put(u)
		return nil
	})
	if err != nil {
		return err
	}
	return a.forgetPasswordFile()
}

// FirstRun makes the user "admin" with a generated password, if nobody was ever
// given one and the development login is off; otherwise it returns "". The
// caller shows the password once. Until it is changed it also stands in the
// file PasswordFile, which only the owner may read.
func (a *Authority) FirstRun(ctx context.Context) (password string, err error) {
	if a.dev || !a.store.virgin() {
		return "", nil
	}
	password = Generate()
	h, err := a.hasher.hash(ctx, password)
	if err != nil {
		return "", err
	}
	if err := a.writePasswordFile(password); err != nil {
		return "", err
	}
	lost := false
	err = a.store.update(func(t *table) error {
		if lost = t.Generation > 0; !lost { // another process was quicker
			t.put(record{User: User{Name: "admin", Role: Admin, Created: a.now().UTC()}, hash: h})
		}
		return nil
	})
	if err != nil {
		_ = a.forgetPasswordFile()
		return "", err
	}
	if lost {
		return "", nil
	}
	return password, nil
}

// PasswordFile is where FirstRun leaves the generated password.
func (a *Authority) PasswordFile() string { return a.passwordFile }

func (a *Authority) writePasswordFile(password string) error {
	// An old file may be a link or belong to somebody else; never write into it.
	if err := a.forgetPasswordFile(); err != nil {
		return err
	}
	f, err := os.OpenFile(a.passwordFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("first password: %w", err)
	}
	_, err = f.WriteString(password + "\n")
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err != nil {
		return fmt.Errorf("first password: %w", err)
	}
	return nil
}

func (a *Authority) forgetPasswordFile() error {
	if err := os.Remove(a.passwordFile); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("removing the first password's file: %w", err)
	}
	return nil
}

// Reset gives a user a new password without asking for the old one; it is what
// the command line does, also while a server runs, whose sessions of that user
// end within a second. A user that does not exist becomes an administrator. An
// empty password is generated. Reset returns the password.
func (a *Authority) Reset(ctx context.Context, name, password string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	if password == "" {
		password = Generate()
	}
	if err := checkPassword("password", name, password); err != nil {
		return "", err
	}
	return password, a.setPassword(ctx, name, password, true)
}

package console

import (
	"net/http"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

// userAnswer is a user of the console. The password's hash has no place here.
type userAnswer struct {
	User      string `json:"user"`
	Role      string `json:"role"`
	Created   Time   `json:"created,omitzero"`
	LastLogin Time   `json:"last_login,omitzero"`
}

func showUser(u auth.User) userAnswer {
	return userAnswer{u.Name, u.Role.String(), At(u.Created), At(u.LastLogin)}
}

// sessionAnswer is who is logged in.
type sessionAnswer struct {
	User       string `json:"user"`
	Role       string `json:"role"`
	MustChange bool   `json:"must_change_password"`
	Expires    Time   `json:"expires,omitzero"`
}

func showSession(id auth.Identity) sessionAnswer {
	return sessionAnswer{id.User, id.Role.String(), id.MustChange, At(id.Expires)}
}

func listUsers(k *call) (any, error) {
	out := []userAnswer{}
	for _, u := range k.c.o.Auth.Users() {
		out = append(out, showUser(u))
	}
	return out, nil
}

func createUser(k *call) (any, error) {
	var in struct {
		User     string `json:"user"`
		Role     string `json:"role"`
		Password Secret `json:"password"`
	}
	if err := k.read(&in); err != nil {
		return nil, err
	}
	if err := k.c.o.Auth.CheckUser(in.User, in.Role, in.Password.Reveal()); err != nil {
		return nil, err
	}
	var out auth.User
	err := k.change(in.User, nil, in, func() (err error) {
		out, err = k.c.o.Auth.AddUser(k.settled(), in.User, in.Role, in.Password.Reveal())
		return err
	})
	return created{showUser(out)}, err
}

func deleteUser(k *call) (any, error) {
	if err := k.read(&struct{}{}); err != nil {
		return nil, err
	}
	return done{}, k.change(k.names[0], nil, nil, func() error {
		return k.c.o.Auth.RemoveUser(k.names[0])
	})
}

// login checks a password and gives the browser a session. Whatever was wrong,
// the answer is the same.
func login(k *call) (any, error) {
	var in struct {
		User     string `json:"user"`
		Password Secret `json:"password"`
	}
	if err := k.read(&in); err != nil {
		return nil, err
	}
	token, who, err := k.c.o.Auth.Login(k.ctx(), auth.Attempt{
		User: in.User, Password: in.Password.Reveal(), IP: k.ip, DevAllowed: auth.DevAllowed(k.r),
	})
	if auditErr := k.auditLogin(in.User, err); err == nil && auditErr != nil {
		k.c.o.Auth.Logout(token)
		return nil, auditErr
	}
	if err != nil {
		return nil, err
	}
	k.endOwnSession()
	k.setCookie(token)
	return showSession(who), nil
}

// endOwnSession ends the session that a request brought along, so that a login
// never leaves an older one behind.
func (k *call) endOwnSession() {
	for _, c := range k.r.CookiesNamed(k.cookieName()) {
		k.c.o.Auth.Logout(c.Value)
	}
}

func logout(k *call) (any, error) {
	if err := k.read(&struct{}{}); err != nil {
		return nil, err
	}
	k.endOwnSession()
	k.setCookie("")
	return done{}, nil
}

// nobody is the session of who has not logged in.
type nobody struct {
	User *string `json:"user"`
}

// getSession says who asks. A browser without a session is told that it has
// none: the page asks this first, and an answer of 401 would be an error in the
// browser's console. Credentials that are sent and wrong are refused.
func getSession(k *call) (any, error) {
	who, err := k.identify()
	if err != nil && len(k.r.Header.Values("Authorization")) == 0 {
		return nobody{}, nil
	}
	return showSession(who), err
}

func setPassword(k *call) (any, error) {
	var in struct {
		Current Secret `json:"current"`
		New     Secret `json:"new"`
	}
	if err := k.read(&in); err != nil {
		return nil, err
	}
	var token string
	var who auth.Identity
	err := k.change(k.who.User, nil, nil, func() (err error) {
		token, who, err = k.c.o.Auth.ChangePassword(k.settled(), k.who, in.Current.Reveal(), in.New.Reveal(), k.ip)
		return err
	})
	if err != nil {
		return nil, wrongCurrent(err)
	}
	if k.token != "" {
		k.setCookie(token)
	} else {
		k.c.o.Auth.Logout(token) // a script has no use for a session
	}
	return showSession(who), nil
}

// wrongCurrent keeps a mistyped current password from looking like a session
// that has ended.
func wrongCurrent(err error) error {
	if e, _ := explain(err); e.Status == http.StatusUnauthorized {
		return Invalid(Problem{Pointer: "/current", Message: "this is not the current password"})
	}
	return err
}

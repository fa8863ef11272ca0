package console

import (
	"testing"

	"github.com/aimux/aimux/e2e/harness"
)

// password is what the specs set for every user.
const password = "a long enough password"

// site is a gateway with its console.
type site struct {
	*harness.Gateway
	admin *harness.Operator // with a session of its own
}

// start runs a gateway whose console has the user admin with the specs'
// password, without a browser.
func start(t *testing.T, c harness.Config) *site {
	t.Helper()
	needBrowser(t)
	s := &site{Gateway: firstRun(t, c)}
	s.admin = s.Visitor(t)
	s.admin.Must(t, "POST", "/api/login", map[string]string{"user": "admin", "password": s.Password()})
	s.admin.Must(t, "POST", "/api/password", map[string]string{"current": s.Password(), "new": password})
	return s
}

// firstRun starts a gateway and waits for the password it shows.
func firstRun(t *testing.T, c harness.Config) *harness.Gateway {
	t.Helper()
	needBrowser(t)
	c.Env = append(c.Env, harness.ConsolePort(t))
	g := harness.Start(t, c)
	eventually(t, "a first password", func() bool { return g.Password() != "" })
	return g
}

// user adds a user.
func (s *site) user(t *testing.T, name, role string) {
	t.Helper()
	s.admin.Must(t, "POST", "/api/users", map[string]string{"user": name, "role": role, "password": password})
}

// enter opens the console in a new tab and logs in.
func (s *site) enter(t *testing.T, user string) *tab {
	t.Helper()
	p := open(t)
	p.goTo(s.Console() + "/#/overview")
	p.signIn(user, password)
	p.feed("live")
	return p
}

func (p *tab) signIn(user, password string) {
	p.t.Helper()
	p.fill("User", user)
	p.fill("Password", password)
	p.press("Sign in")
}

func TestLogin_TheFirstPasswordIsReplacedAndTheSetupBegins(t *testing.T) {
	gw := firstRun(t, harness.Config{})
	p := open(t)
	p.goTo(gw.Console())
	p.signIn("admin", "not the password")
	p.forgive("status of 401")
	p.sees("wrong")
	p.signIn("admin", gw.Password())
	p.feed("live")
	p.sees("Three steps, about a minute.")
	p.sees(gw.URL) // the lines for the client name this very gateway
}

func TestLogin_TheDevelopmentLoginMayOnlySetAPassword(t *testing.T) {
	gw := harness.Start(t, harness.Config{Env: []string{harness.ConsolePort(t), "AIMUX_DEV_LOGIN=1"}})
	p := open(t)
	p.goTo(gw.Console())
	p.signIn("admin", "admin")
	p.sees("Choose your password")
	if js[int](p, "fetch('api/providers').then(r => r.status)") != 403 {
		t.Error("the development login may look at providers")
	}
	p.forgive("status of 403")
	p.fill("New password", "too short")
	p.sees("At least 12 characters")
	p.fill("New password", password)
	p.fill("Once more", password+"x")
	p.sees("The two differ.")
	p.fill("Once more", password)
	p.press("Set password")
	p.feed("live")
	p.press("Sign out")
	p.signIn("admin", "admin")
	p.forgive("status of 401")
	p.sees("wrong")
	p.signIn("admin", password)
	p.feed("live")
}

func TestLogin_ASessionThatEndsElsewhereAsksAgain(t *testing.T) {
	s := start(t, harness.Config{})
	s.user(t, "vera", "viewer")
	p := s.enter(t, "vera")
	p.forgive("status of 401|WebSocket")
	s.admin.Must(t, "DELETE", "/api/users/vera", nil)
	p.press("Requests")
	p.sees("Sign in")
}

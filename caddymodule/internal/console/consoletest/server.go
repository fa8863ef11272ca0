package consoletest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

// Server is a console in front of a Fake, reached over a real socket.
type Server struct {
	*Fake
	Console *console.Console
	Auth    *auth.Authority
	HTTP    *httptest.Server

	once   sync.Mutex
	tokens map[string]string
}

// Password is that of every user of a Server. The users are named after their
// roles.
const Password = "correct horse battery"

// Settings vary a Server; the zero value will do.
type Settings struct {
	Addr     string // Default: a free port of 127.0.0.1.
	DevLogin bool   // without any user
	Now      func() time.Time
	Logger   *slog.Logger // Default: silence.
	Backend  func(console.Backend) console.Backend
}

// Serve starts a console that ends with the test.
func Serve(t testing.TB, s Settings) *Server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.json")
	if !s.DevLogin {
		file, err := usersFile()
		if err == nil {
			err = os.WriteFile(path, file, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a, err := auth.Open(auth.Options{Path: path, DevLogin: s.DevLogin, Now: s.Now, Cost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	out := &Server{Fake: New(s.Now), Auth: a, tokens: map[string]string{}}
	out.listen(t, s)
	return out
}

// cheap is the price of a hash in tests.
var cheap = auth.Cost{MemoryKiB: 64, Passes: 1}

// usersFile is a users file with one user for each role, made once.
var usersFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "consoletest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "users.json")
	a, err := auth.Open(auth.Options{Path: path, Cost: cheap})
	if err != nil {
		return nil, err
	}
	for _, role := range []string{"admin", "operator", "viewer"} {
		if _, err := a.AddUser(context.Background(), role, role, Password); err != nil {
			return nil, err
		}
	}
	return os.ReadFile(path)
})

func (s *Server) listen(t testing.TB, o Settings) {
	s.HTTP = httptest.NewUnstartedServer(nil)
	if o.Addr != "" {
		l, err := net.Listen("tcp", o.Addr)
		if err != nil {
			t.Fatal(err)
		}
		s.HTTP.Listener.Close()
		s.HTTP.Listener = l
	}
	hosts, err := console.HostsOf([]string{s.HTTP.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	backend := s.Backend()
	if o.Backend != nil {
		backend = o.Backend(backend)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s.Console, err = console.New(console.Options{Backend: backend, Auth: s.Auth, Hosts: hosts, Now: o.Now, Logger: o.Logger})
	if err != nil {
		t.Fatal(err)
	}
	s.HTTP.Config.Handler = s.Console
	s.HTTP.Start()
	t.Cleanup(func() {
		s.Console.Close()
		s.HTTP.CloseClientConnections()
		s.HTTP.Close()
	})
}

// Token returns the session id of the user of a role, who logs in at the first
// call.
func (s *Server) Token(role string) string {
	s.once.Lock()
	defer s.once.Unlock()
	if s.tokens[role] == "" {
		token, _, err := s.Auth.Login(context.Background(), auth.Attempt{User: role, Password: Password, IP: netip.MustParseAddr("192.0.2.1")})
		if err != nil {
			panic(err)
		}
		s.tokens[role] = token
	}
	return s.tokens[role]
}

// Cookie returns the Cookie header of the user of a role.
func (s *Server) Cookie(role string) string { return "aimux_session=" + s.Token(role) }

// Answer is what a console said.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Call sends a request as the user of a role, or as nobody. Headers are pairs;
// one with an empty value is left out, also Content-Type. A redirect is an
// answer.
func (s *Server) Call(t testing.TB, role, method, path, body string, headers ...string) Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.HTTP.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = path // exactly as it stands
	r.Header.Set("Content-Type", "application/json")
	if role != "" {
		r.Header.Set("Cookie", s.Cookie(role))
	}
	for i := 0; i+1 < len(headers); i += 2 {
		switch {
		case headers[i] == "Host":
			r.Host = headers[i+1]
		case headers[i+1] == "":
			r.Header.Del(headers[i])
		default:
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := s.HTTP.Client().Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{res.StatusCode, res.Header, string(data)}
}

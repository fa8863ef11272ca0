package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

// fixed is a gateway that answers everything with the same text.
func fixed(text string) func(context.Context, string) (Way, error) {
	return answering(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}

func answering(f http.HandlerFunc) func(context.Context, string) (Way, error) {
	return func(context.Context, string) (Way, error) {
		return Within(f, "the files of the test", func() error { return nil }), nil
	}
}

// serve puts the bench's gateway behind an admin endpoint.
func (b *bench) serve(l net.Listener) {
	api := b.fake.Console.Local(auth.Identity{User: "local", Role: auth.Admin})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.enforce && r.Header.Get("Origin") != "http://"+r.Host || !b.enforce && r.Header.Get("Origin") != "" {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"error":"required Origin header is missing or invalid"}`)
			return
		}
		http.StripPrefix("/aimux", api).ServeHTTP(w, r)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	b.t.Cleanup(s.Close)
}

func listen(t testing.TB, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var errNoFiles = errors.New("the files are not to be used")

func noFiles(context.Context, string) (Way, error) { return nil, errNoFiles }

func TestConnect_UsesTheServerThatRuns(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			b := newBench(t)
			b.host.Open = noFiles
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "admin.sock")
			}
			l := listen(t, network, address)
			b.serve(l)
			named := l.Addr().String()
			if network == "unix" {
				named = "unix/" + named + "|0600"
			}
			if out := b.must("providers", "list", "--admin", named); !strings.Contains(out, "cerebras") {
				t.Errorf("by --admin: %s", out)
			}
			b.env["AIMUX_ADMIN"] = named
			if out, said, code := b.run("status", "-v"); code != OK || !strings.Contains(out, "running for") || !strings.Contains(said, "using the server at ") {
				t.Errorf("by $AIMUX_ADMIN: exit code %d, %s: %s", code, said, out)
			}
			b.stdin = "a-very-secret-key"
			if b.must("keys", "add", "zai", "next", "--stdin"); b.fake.Secret("zai", "next") != b.stdin {
				t.Error("the key did not arrive")
			}
		})
	}
}

func TestConnect_WithoutAServerUsesTheFiles(t *testing.T) {
	b := newBench(t)
	l := listen(t, "tcp", "127.0.0.1:0")
	l.Close()
	b.env["AIMUX_ADMIN"] = l.Addr().String()
	out, said, code := b.run("providers", "list", "-v")
	if code != OK || !strings.Contains(out, "zai") || !strings.Contains(said, "using the files of the test") {
		t.Errorf("exit code %d, %s: %s", code, said, out)
	}
	if _, said, _ := b.run("providers", "list"); said != "" {
		t.Errorf("without -v it says %q", said)
	}
}

func TestConnect_AServerThatWasNamedHasToBeThere(t *testing.T) {
	b := newBench(t)
	l := listen(t, "tcp", "127.0.0.1:0")
	l.Close()
	if _, said, code := b.run("providers", "list", "--admin", l.Addr().String()); code != Failed || !strings.Contains(said, "refused") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if _, said, code := b.run("providers", "list", "--admin", "nonsense"); code != Usage || !strings.Contains(said, "localhost:2019") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

func TestConnect_AnEndpointThatEnforcesOriginsIsToldItsOwn(t *testing.T) {
	b := newBench(t)
	b.enforce, b.host.Open = true, noFiles
	l := listen(t, "tcp", "127.0.0.1:0")
	b.serve(l)
	b.env["AIMUX_ADMIN"] = l.Addr().String()
	if b.must("providers", "disable", "zai"); b.fake.Changes() != 1 {
		t.Errorf("%d changes", b.fake.Changes())
	}
}

func TestConnect_BehindAServerThatCannotBeAskedNothingIsDone(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"fails":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"hangs up": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			s := httptest.NewServer(answer)
			defer s.Close()
			b.env["AIMUX_ADMIN"] = strings.TrimPrefix(s.URL, "http://")
			if _, said, code := b.run("providers", "disable", "zai"); code != Failed || b.fake.Changes() != 0 || !strings.Contains(said, "--admin off") {
				t.Errorf("exit code %d, %d changes: %s", code, b.fake.Changes(), said)
			}
			b.must("providers", "disable", "zai", "--admin", "off")
		})
	}
}

func TestConnect_AnotherProgramAtTheEndpointIsNoServerOfOurs(t *testing.T) {
	b := newBench(t)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	b.env["AIMUX_ADMIN"] = strings.TrimPrefix(other.URL, "http://")
	if out := b.must("providers", "list"); !strings.Contains(out, "zai") {
		t.Errorf("got %s", out)
	}
}

func TestConnect_WithAConfigTheServerHasToServeIt(t *testing.T) {
	b := newBench(t)
	opened := ""
	open := b.host.Open
	b.host.Open = func(ctx context.Context, config string) (Way, error) {
		opened = config
		return open(ctx, config)
	}
	l := listen(t, "tcp", "127.0.0.1:0")
	b.serve(l)
	b.env["AIMUX_ADMIN"] = l.Addr().String()
	_, said, code := b.run("providers", "list", "--config", "other.toon")
	if code != OK || opened != "other.toon" || !strings.Contains(said, "runs with another configuration") {
		t.Errorf("exit code %d, opened %q: %s", code, opened, said)
	}
}

func TestServes_ComparesWholePathsWhereItCan(t *testing.T) {
	here, _ := filepath.Abs("aimux.toon")
	for _, c := range []struct {
		source, file string
		want         bool
	}{
		{here, "aimux.toon", true}, {"aimux.toon", here, true}, {"sub/aimux.toon", "aimux.toon", true},
		{"/etc/aimux/aimux.toon", "aimux.toon", false}, {"the environment", "aimux.toon", false}, {"", "aimux.toon", false},
	} {
		if got := serves(c.source, c.file); got != c.want {
			t.Errorf("serves(%q, %q) = %v", c.source, c.file, got)
		}
	}
}

func TestNewServer_ReadsAddressesAsACaddyfileSpellsThem(t *testing.T) {
	for address, want := range map[string]string{
		"localhost:2019": "tcp localhost:2019", ":2020": "tcp localhost:2020", "0.0.0.0:1": "tcp localhost:1", "tcp/127.0.0.1:5": "tcp 127.0.0.1:5",
		"http://localhost:2019/": "tcp localhost:2019", "[::1]:9": "tcp [::1]:9", "unix//run/a.sock": "unix /run/a.sock", "unix/rel.sock|0222": "unix rel.sock",
	} {
		s, err := newServer(address)
		if err != nil || s.network+" "+s.address != want {
			t.Errorf("%s: %+v, %v; want %s", address, s, err, want)
		}
	}
	for _, address := range []string{"", "localhost", "localhost:", "a b"} {
		if _, err := newServer(address); CodeOf(err) != Usage {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func FuzzNewServer(f *testing.F) {
	for _, seed := range []string{"localhost:2019", "unix//x|1", "tcp/:1", "::::", "unix/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if s, err := newServer(address); err == nil && s.String() == "" {
			t.Error("a way without a name")
		}
	})
}

func TestList_JoinsAllPages(t *testing.T) {
	b := newBench(t)
	b.host.Open = answering(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("cursor") {
		case "":
			io.WriteString(w, `{"keys":[{"provider":"a","name":"1"},{"provider":"a","name":"2"}],"next":"n"}`)
		case "n":
			io.WriteString(w, `{"keys":[{"provider":"a","name":"3"}]}`)
		}
	})
	out := b.must("keys", "list", "--json")
	if strings.Count(out, `"name"`) != 3 || strings.Contains(out, "next") {
		t.Errorf("got %s", out)
	}
}

func TestErrors_NameEveryProblemAndTakeControlCharactersOut(t *testing.T) {
	b := newBench(t)
	b.host.Open = answering(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(422)
		io.WriteString(w, `{"error":{"code":"invalid","message":"some values will not do","problems":[{"pointer":"/a","message":"too \u001b[31m big","hint":"less"},{"message":"no"}]}}`)
	})
	_, said, code := b.run("providers", "enable", "zai")
	if code != Failed || !strings.Contains(said, "/a: too  [31m big; less\n") || !strings.Contains(said, "\n  no\n") {
		t.Errorf("exit code %d: %q", code, said)
	}
	for status, text := range map[int]string{502: "<html>", 403: `{"error":"host not allowed"}`} {
		b.host.Open = answering(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, text)
		})
		if _, said, code := b.run("alerts"); code != Failed || !strings.Contains(said, "host not allowed") && !strings.Contains(said, "502") {
			t.Errorf("%d: exit code %d: %s", status, code, said)
		}
	}
}

func TestReady_IsTheAnswerOfReadyz(t *testing.T) {
	status := 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	defer s.Close()
	b := newBench(t)
	b.host.Open = noFiles
	if out := b.must("status", "--ready", s.URL); out != "" {
		t.Errorf("it prints %q", out)
	}
	b.must("status", "--ready", strings.TrimPrefix(s.URL, "http://"))
	for status = range map[int]bool{503: true, 404: true, 302: true} {
		if _, _, code := b.run("status", "--ready", s.URL+"/"); code != Failed {
			t.Errorf("%d: exit code %d", status, code)
		}
	}
	s.Close()
	if _, _, code := b.run("status", "--ready", s.URL); code != Failed {
		t.Errorf("nobody there: exit code %d", code)
	}
	if _, _, code := b.run("status", "--ready", "http://"); code != Usage {
		t.Errorf("no address: exit code %d", code)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

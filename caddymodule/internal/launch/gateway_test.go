package launch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// gateway is one that takes one token; empty: it takes all.
func gateway(t *testing.T, token string, ready *bool) Gateway {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("aimux 1 is running.\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !*ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, r *http.Request) {
		if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"coder","owned_by":"aimux"},{"id":"zai/glm","owned_by":"zai"}]}`))
	})
	server := httptest.NewServer(mux)
	transport := &http.Transport{}
	t.Cleanup(server.Close)
	t.Cleanup(transport.CloseIdleConnections)
	return Gateway{URL: server.URL, Transport: transport}
}

func TestProbe_TellsAGatewayFromOthers(t *testing.T) {
	ready := false
	g := gateway(t, "", &ready)
	if s, err := g.Probe(t.Context()); s != Busy || err != nil {
		t.Errorf("%v, %v", s, err)
	}
	ready = true
	if s, err := g.Probe(t.Context()); s != Ready || err != nil {
		t.Errorf("%v, %v", s, err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	if s, _ := (Gateway{URL: other.URL, Transport: g.Transport}).Probe(t.Context()); s != Foreign {
		t.Errorf("%v", s)
	}
	other.Close()
	if s, err := (Gateway{URL: other.URL, Transport: g.Transport}).Probe(t.Context()); s != Absent || err != nil {
		t.Errorf("%v, %v", s, err)
	}
}

func TestCheckURL_AndLocal(t *testing.T) {
	for url, local := range map[string]bool{"http://127.0.0.1:8080": true, "http://localhost:1": true, "http://[::1]:1": true, "https://ai.example.com": false} {
		if err := CheckURL(url); err != nil || (Gateway{URL: url}).Local() != local {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{"", "127.0.0.1:8080", "ftp://x", "http://u:p@x", "http://x?a=b", "http://x/#y", "http://%zz"} {
		if CheckURL(url) == nil {
			t.Errorf("%q passes", url)
		}
	}
}

// console is the console's API with some clients.
type console struct {
	names []string
	made  []string
	token string
}

func (c *console) Call(_ context.Context, method, path string, in, out any) error {
	if method == http.MethodPost {
		c.made = append(c.made, in.(map[string]string)["name"])
		out.(*struct {
			Token string `json:"token"`
		}).Token = c.token
		return nil
	}
	list := out.(*struct {
		Clients []struct {
			Name string `json:"name"`
		} `json:"clients"`
	})
	for _, n := range c.names {
		list.Clients = append(list.Clients, struct {
			Name string `json:"name"`
		}{n})
	}
	return nil
}

// drawer keeps one token.
type drawer struct{ token string }

func (d *drawer) Token(Client, string) string { return d.token }
func (d *drawer) Keep(_ context.Context, _ Client, _, token string) error {
	d.token = token
	return nil
}

func TestTokens_InTheOrderOfWhatIsThere(t *testing.T) {
	ready := true
	open, closed := gateway(t, "", &ready), gateway(t, "amx_right", &ready)
	for _, c := range []struct {
		name   string
		tokens Tokens
		want   string
		made   []string
		err    error
	}{
		{"an open gateway asks for none", Tokens{Gateway: open, Keeper: &drawer{}}, "", nil, nil},
		{"the given one", Tokens{Gateway: closed, Given: "amx_right"}, "amx_right", nil, nil},
		{"a wrong given one is not replaced", Tokens{Gateway: closed, Given: "amx_wrong", API: &console{}, Keeper: &drawer{}}, "amx_wrong", nil, ErrRefused},
		{"the kept one", Tokens{Gateway: closed, Keeper: &drawer{"amx_right"}}, "amx_right", nil, nil},
		{"a kept one that was revoked", Tokens{Gateway: closed, Keeper: &drawer{"amx_old"}, API: &console{token: "amx_right"}}, "amx_right", []string{"claude"}, nil},
		{"somebody's client stays what it is", Tokens{Gateway: closed, Keeper: &drawer{}, API: &console{token: "amx_right", names: []string{"claude", "claude-2"}}}, "amx_right", []string{"claude-3"}, nil},
		{"nobody to make one", Tokens{Gateway: closed, Keeper: &drawer{}}, "", nil, ErrToken},
		{"nowhere to keep one", Tokens{Gateway: closed, API: &console{}}, "", nil, ErrToken},
	} {
		token, names, err := c.tokens.For(t.Context(), Claude)
		if token != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", c.name, token, err)
		}
		if err == nil && cmp.Diff([]string{"coder"}, names) != "" {
			t.Errorf("%s: %v", c.name, names)
		}
		if api, ok := c.tokens.API.(*console); ok && cmp.Diff(c.made, api.made) != "" {
			t.Errorf("%s: made %v", c.name, api.made)
		}
	}
}

func TestTokens_NineOfANameAreEnough(t *testing.T) {
	ready := true
	names := []string{"codex"}
	for n := range 8 {
		names = append(names, "codex-"+string(rune('2'+n)))
	}
	tokens := Tokens{Gateway: gateway(t, "x", &ready), Keeper: &drawer{}, API: &console{names: names}}
	if _, _, err := tokens.For(t.Context(), Codex); err == nil || !strings.Contains(err.Error(), "nine clients named codex") {
		t.Errorf("%v", err)
	}
}

func TestAwait_ReadyLateEndedOrNever(t *testing.T) {
	after := func(d time.Duration) func(context.Context) (State, error) {
		start := time.Now()
		return func(context.Context) (State, error) {
			if time.Since(start) >= d {
				return Ready, nil
			}
			return Absent, nil
		}
	}
	synctest.Test(t, func(t *testing.T) {
		if err := Await(t.Context(), after(3*time.Second), nil, 15*time.Second); err != nil {
			t.Error(err)
		}
		ended := make(chan error, 1)
		ended <- nil
		if err := Await(t.Context(), after(500*time.Millisecond), ended, 15*time.Second); err != nil {
			t.Errorf("another launcher's gateway: %v", err)
		}
		ended <- nil
		if err := Await(t.Context(), after(time.Hour), ended, 15*time.Second); !errors.Is(err, ErrEnded) {
			t.Errorf("%v", err)
		}
		if err := Await(t.Context(), after(time.Hour), nil, 15*time.Second); err == nil || !strings.Contains(err.Error(), "15s") {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Await(ctx, after(time.Hour), nil, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestStart_WritesTheLogAndTellsTheEnd(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "aimux")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$1 in $(pwd)\"\necho oops >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "data", "aimux.log")
	pid, ended, err := Program{Path: script, Args: []string{"run"}, Dir: dir, Log: log}.Start()
	if err != nil || pid == 0 {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || err.Error() != "exit status 3" {
		t.Errorf("%v", err)
	}
	if got := Tail(log, 5); !strings.HasPrefix(got, "run in ") || !strings.HasSuffix(got, "oops") || Tail(log, 1) != "oops" {
		t.Errorf("%q", got)
	}
	if info, _ := os.Stat(log); info.Mode().Perm() != 0o600 {
		t.Errorf("%v", info.Mode())
	}
	if _, _, err := (Program{Path: filepath.Join(dir, "none"), Log: log}).Start(); err == nil {
		t.Error("no error")
	}
}

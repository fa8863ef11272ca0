package auth

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// request is a browser's on this very machine, unless changed.
func request(local, peer, host string, headers ...string) *http.Request {
	r := httptest.NewRequest("POST", "http://"+host+"/api/login", nil)
	addr, _ := net.ResolveTCPAddr("tcp", local)
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, addr))
	r.RemoteAddr, r.Host = peer, host
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header[headers[i]] = []string{headers[i+1]}
	}
	return r
}

// one-api shipped root/123456: the development login is for this machine alone.
func TestDevAllowed_OnlyFromThisVeryMachineWithNoProxyBetween(t *testing.T) {
	cases := map[string]struct {
		r    *http.Request
		want bool
	}{
		"IPv4":                  {request("127.0.0.1:8081", "127.0.0.1:5000", "127.0.0.1:8081"), true},
		"IPv6":                  {request("[::1]:8081", "[::1]:5000", "[::1]:8081"), true},
		"by name":               {request("127.0.0.1:8081", "127.0.0.1:5000", "localhost:8081"), true},
		"by name, no port":      {request("127.0.0.1:80", "127.0.0.1:5000", "LOCALHOST"), true},
		"listener not loopback": {request("192.0.2.1:8081", "127.0.0.1:5000", "127.0.0.1:8081"), false},
		"peer not loopback":     {request("127.0.0.1:8081", "192.0.2.9:5000", "127.0.0.1:8081"), false},
		"peer unknown":          {request("127.0.0.1:8081", "@", "127.0.0.1:8081"), false},
		"host not loopback":     {request("127.0.0.1:8081", "127.0.0.1:5000", "evil.example:8081"), false},
		"host begins alike":     {request("127.0.0.1:8081", "127.0.0.1:5000", "localhost.evil.example"), false},
		"host is a nip name":    {request("127.0.0.1:8081", "127.0.0.1:5000", "127.0.0.1.nip.io"), false},
		"X-Forwarded-For":       {request("127.0.0.1:8081", "127.0.0.1:5000", "127.0.0.1:8081", "X-Forwarded-For", "192.0.2.9"), false},
		"X-Forwarded-Proto":     {request("127.0.0.1:8081", "127.0.0.1:5000", "127.0.0.1:8081", "X-Forwarded-Proto", "https"), false},
		"in another case":       {request("127.0.0.1:8081", "127.0.0.1:5000", "127.0.0.1:8081", "x-forwarded-for", ""), false},
		"with underscores":      {request("127.0.0.1:8081", "127.0.0.1:5000", "127.0.0.1:8081", "X_Forwarded_For", "192.0.2.9"), false},
		"Forwarded":             {request("127.0.0.1:8081", "127.0.0.1:5000", "127.0.0.1:8081", "Forwarded", "for=192.0.2.9"), false},
		"Via":                   {request("127.0.0.1:8081", "127.0.0.1:5000", "127.0.0.1:8081", "Via", "1.1 proxy"), false},
		"X-Real-IP":             {request("127.0.0.1:8081", "127.0.0.1:5000", "127.0.0.1:8081", "X-Real-Ip", "192.0.2.9"), false},
		"no local address":      {httptest.NewRequest("GET", "http://127.0.0.1/", nil), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := DevAllowed(c.r); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestDevLogin_IsGoodForOneThingAndEndsForGood(t *testing.T) {
	a, _ := open(t, func(o *Options) { o.DevLogin = true })
	dev := Attempt{User: "admin", Password: "admin", IP: here, DevAllowed: true}
	if password, err := a.FirstRun(t.Context()); password != "" || err != nil {
		t.Fatalf("a password %q was generated, %v", password, err)
	}
	far := dev
	far.DevAllowed = false
	if _, _, err := a.Login(t.Context(), far); err != ErrCredentials {
		t.Errorf("from elsewhere: %v", err)
	}
	wrong := dev
	wrong.Password = "Admin"
	if _, _, err := a.Login(t.Context(), wrong); err != ErrCredentials {
		t.Errorf("another password: %v", err)
	}
	if _, err := a.Basic(t.Context(), "Basic YWRtaW46YWRtaW4=", here); err != ErrCredentials {
		t.Errorf("by basic authentication: %v", err)
	}
	token, id, err := a.Login(t.Context(), dev)
	if err != nil || !id.MustChange || !id.Dev {
		t.Fatalf("%+v %v", id, err)
	}
	other, _, err := a.Login(t.Context(), dev)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.ChangePassword(t.Context(), id, "admin", "admin", here); err == nil {
		t.Error("admin stays admin")
	}
	_, id, err = a.ChangePassword(t.Context(), id, "admin", good, here)
	if err != nil || id.MustChange || id.Dev || id.Role != Admin {
		t.Fatalf("%+v %v", id, err)
	}
	for _, old := range []string{token, other} {
		if _, ok := a.Session(old, true); ok {
			t.Error("a development session outlives the change")
		}
	}
	if _, _, err := a.Login(t.Context(), dev); err != ErrCredentials {
		t.Errorf("after the change: %v", err)
	}
	again, err := Open(Options{Path: a.store.path, DevLogin: true, Cost: Cost{64, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := again.Login(t.Context(), dev); err != ErrCredentials || again.DevLogin() {
		t.Errorf("after a restart: %v", err)
	}
}

func TestCheckDevListeners_RefusesWhatIsNotLoopback(t *testing.T) {
	cases := map[string]bool{
		"127.0.0.1:8081": true, "localhost:8081": true, "[::1]:8081": true, "tcp/127.0.0.1:1": true,
		":8081": false, "0.0.0.0:8081": false, "[::]:8081": false, "192.168.1.2:8081": false,
		"unix//run/x": false, "localhost.example:1": false, "": false,
	}
	for l, want := range cases {
		if err := CheckDevListeners([]string{l}); (err == nil) != want {
			t.Errorf("%q: %v", l, err)
		}
		if err := CheckDevListeners([]string{"127.0.0.1:1", l}); (err == nil) != want {
			t.Errorf("loopback and %q: %v", l, err)
		}
	}
	if CheckDevListeners(nil) == nil {
		t.Error("no listener at all is fine")
	}
}

func TestDevLogin_SessionsEndWhenAnotherProcessSetsAPassword(t *testing.T) {
	a, c := open(t, func(o *Options) { o.DevLogin = true })
	token, _, err := a.Login(t.Context(), Attempt{User: "admin", Password: "admin", IP: here, DevAllowed: true})
	if err != nil {
		t.Fatal(err)
	}
	other, err := Open(Options{Path: a.store.path, Cost: Cost{64, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Reset(t.Context(), "bob", ""); err != nil {
		t.Fatal(err)
	}
	c.add(time.Second)
	if _, ok := a.Session(token, true); ok {
		t.Error("the development session still stands")
	}
}

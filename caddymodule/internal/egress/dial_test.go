package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// forbidden is a server on loopback that no request may reach.
type forbidden struct {
	*httptest.Server
	hits atomic.Int64
}

func newForbidden(t *testing.T) *forbidden {
	t.Helper()
	f := &forbidden{}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "secret")
	}))
	f.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			f.hits.Add(1)
		}
	}
	f.Start()
	t.Cleanup(f.Close)
	return f
}

func (f *forbidden) port() string {
	_, port, _ := net.SplitHostPort(f.Listener.Addr().String())
	return port
}

// liar is a name server that gives every name the same addresses.
type liar []netip.Addr

func (l liar) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go l.serve(ours)
		return theirs, nil
	}}
}

// serve answers the questions that come over c, framed as over TCP.
func (l liar) serve(c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, question); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(question) != nil || len(m.Questions) != 1 {
			return
		}
		answer := l.answer(&m)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (l liar) answer(m *dnsmessage.Message) []byte {
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	q := m.Questions[0]
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0}
	for _, a := range l {
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	out, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return out
}

func transport(t *testing.T, r Rules, resolver *net.Resolver) *http.Transport {
	t.Helper()
	tr := &http.Transport{}
	if err := r.Apply(tr, &net.Dialer{Timeout: 2 * time.Second, Resolver: resolver}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func addrs(texts ...string) (out liar) {
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

// spellings are hosts that some program somewhere reads as a forbidden address.
var spellings = []string{
	"127.0.0.1", "127.0.0.0", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "127.000.000.001", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "0x7F.1",
	"2130706433", "017700000001", "0", "0.0.0.0", "00000000000", "0x0", "localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain",
	"[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0:127.0.0.1]", "[::127.0.0.1]",
	"[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:1::7f00:1]", "[fe80::1]", "[fe80::1%25lo]",
	"[::1%25lo]", "[fd00::1]", "[fc00::1]", "[ff02::1]", "10.0.0.1", "10.1", "172.16.0.1", "192.168.1.1", "192.168.257", "169.254.169.254", "2852039166",
	"0xa9fea9fe", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "100.100.100.200", "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
	"metadata.google.internal", "metadata", "127.0.0.1.nip.io", "lvh.me", "rebind.example.com", "xn--lclhst-cva.example", "127。0。0。1", "①②⑦.⓪.⓪.①", "ⓛocalhost",
	"127.0.0.1.", "[::ffff:127.1]", "[::1", "127.0.0.1%00.example.com",
}

func TestTransport_NoSpellingReachesLoopback(t *testing.T) {
	server := newForbidden(t)
	stubs := map[string]liar{
		"IPv4":       addrs("127.0.0.1", "0.0.0.0", "10.0.0.1", "169.254.169.254"),
		"IPv6":       addrs("::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
		"a mixture":  addrs("::1", "127.0.0.1"),
		"one mapped": addrs("::ffff:127.0.0.1"),
	}
	tried := 0
	for name, stub := range stubs {
		tr := transport(t, Rules{Policy: Policy{AllowPrivate: false}}, stub.resolver())
		for _, host := range spellings {
			req, err := http.NewRequest("GET", "http://"+host+":"+server.port()+"/", nil)
			if err != nil {
				continue // not even a URL
			}
			tried++
			if resp, err := tr.RoundTrip(req); err == nil {
				t.Errorf("%s, names resolve to %s: answered %s", host, name, resp.Status)
				resp.Body.Close()
			}
		}
	}
	if n := server.hits.Load(); n != 0 || tried < 240 {
		t.Errorf("%d connections of %d tries", n, tried)
	}
}

// TestTransport_RebindingNameIsCheckedWhenDialled looks a name up, finds it
// harmless, and then dials it, when it means something else.
func TestTransport_RebindingNameIsCheckedWhenDialled(t *testing.T) {
	server := newForbidden(t)
	var looked atomic.Bool
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		now := addrs("8.8.8.8")
		if looked.Load() {
			now = addrs("127.0.0.1")
		}
		ours, theirs := net.Pipe()
		go now.serve(ours)
		return theirs, nil
	}}
	found, err := resolver.LookupNetIP(t.Context(), "ip", "rebind.example.com")
	if err != nil || len(found) != 1 || (Policy{}).Check(found[0]) != nil {
		t.Fatalf("at first: %v, %v", found, err)
	}
	looked.Store(true)
	req, _ := http.NewRequest("GET", "http://rebind.example.com:"+server.port()+"/", nil)
	_, err = transport(t, Rules{}, resolver).RoundTrip(req)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Kind != Loopback || server.hits.Load() != 0 {
		t.Errorf("got %v after %d connections", err, server.hits.Load())
	}
}

// TestTransport_ThePolicyIsWhatKeepsTheDoorShut shows that the same requests do
// arrive when they may.
func TestTransport_ThePolicyIsWhatKeepsTheDoorShut(t *testing.T) {
	server := newForbidden(t)
	for _, host := range []string{"127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "rebind.example.com"} {
		tr := transport(t, Rules{Policy: Policy{AllowLoopback: true}}, addrs("127.0.0.1").resolver())
		req, _ := http.NewRequest("GET", "http://"+host+":"+server.port()+"/", nil)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		resp.Body.Close()
	}
	if n := server.hits.Load(); n != 4 {
		t.Errorf("%d connections", n)
	}
}

func TestTransport_RedirectDoesNotHelp(t *testing.T) {
	server := newForbidden(t)
	first := httptest.NewServer(http.RedirectHandler(server.URL, http.StatusFound))
	defer first.Close()
	tr := transport(t, Rules{}, nil)
	inner := tr.DialContext
	tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "provider.example:80" { // a public address, for this test
			return new(net.Dialer).DialContext(ctx, network, first.Listener.Addr().String())
		}
		return inner(ctx, network, address)
	}
	_, err := (&http.Client{Transport: tr}).Get("http://provider.example/")
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Kind != Loopback || server.hits.Load() != 0 {
		t.Errorf("got %v after %d connections", err, server.hits.Load())
	}
}

func TestTransport_ErrorSaysWhatAndHowToAllowIt(t *testing.T) {
	for name, tc := range map[string]struct {
		policy Policy
		to     string
		want   string
	}{
		"private":         {Policy{}, "10.0.0.1", "10.0.0.1 is a private address; for a provider in your own network, set allow_private: true on it"},
		"loopback":        {Policy{AllowPrivate: true}, "127.0.0.1", "a provider on this machine has a base_url that says so"},
		"metadata":        {Policy{AllowPrivate: true}, "169.254.169.254", "is a cloud metadata address; no provider may be there"},
		"left loopback":   {Policy{OnlyLoopback: true}, "8.8.8.8", "8.8.8.8 is not on this machine"},
		"carrier's":       {Policy{}, "100.64.1.1", "carrier-grade NAT"},
		"the unspecified": {Policy{AllowPrivate: true}, "0.0.0.0", "unspecified"},
	} {
		tr := transport(t, Rules{Policy: tc.policy}, addrs(tc.to).resolver())
		req, _ := http.NewRequest("GET", "http://provider.example:1/", nil)
		_, err := tr.RoundTrip(req)
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func TestControl_RefusesWhatIsNotTCPOrNotAnAddress(t *testing.T) {
	p := Policy{AllowLoopback: true, AllowPrivate: true}
	for _, tc := range [][2]string{{"unix", "/run/x.sock"}, {"udp4", "8.8.8.8:53"}, {"tcp4", "example.com:80"}, {"tcp4", "8.8.8.8"}, {"tcp6", ""}, {"ip4:icmp", "8.8.8.8"}} {
		if p.Control(tc[0], tc[1], nil) == nil {
			t.Errorf("%v is allowed", tc)
		}
	}
	if err := p.Control("tcp4", "8.8.8.8:443", nil); err != nil {
		t.Error(err)
	}
}

func TestPolicyFor_LoopbackIsWhatTheBaseURLSays(t *testing.T) {
	only := Policy{AllowLoopback: true, OnlyLoopback: true}
	for text, want := range map[string]Policy{
		"http://127.0.0.1:11434": only, "http://[::1]:8000/v1": only, "http://localhost:1234": only, "https://LocalHost.": only,
		"http://127.9.9.9": only, "http://a.localhost": only, "http://[::ffff:127.0.0.1]": only,
		"https://api.example.com": {}, "http://10.0.0.1": {}, "https://localhost.example.com": {}, "http://127.1": {}, "http://0.0.0.0": {}, "https://notlocalhost": {},
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := PolicyFor(u, false); got != want {
			t.Errorf("%s: got %+v", text, got)
		}
		want.AllowPrivate = !want.OnlyLoopback
		if got := PolicyFor(u, true); got != want {
			t.Errorf("%s, allow_private: got %+v", text, got)
		}
	}
}

func TestProxy_IsUsedOnlyWhenConfigured(t *testing.T) {
	asked := make(chan string, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked <- r.URL.String() }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	through, err := ParseProxy(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	get := func(r Rules, to string) error {
		req, _ := http.NewRequest("GET", to, nil)
		resp, err := transport(t, r, addrs("10.0.0.1").resolver()).RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	var refused *RefusedError
	if err := get(Rules{}, "http://provider.example/"); !errors.As(err, &refused) {
		t.Errorf("without a proxy: %v", err)
	}
	if err := get(Rules{Proxy: through}, "http://provider.example/"); err != nil || <-asked != "http://provider.example/" {
		t.Errorf("through the proxy: %v", err)
	}
	for _, to := range []string{"http://127.0.0.1:1/", "http://169.254.169.254/", "http://10.0.0.1/", "http://localhost:1/", "http://2130706433/", "http://[::1]:1/"} {
		if err := get(Rules{Proxy: through}, to); !errors.As(err, &refused) {
			t.Errorf("%s through the proxy: %v", to, err)
		}
	}
	if err := get(Rules{Policy: Policy{AllowLoopback: true, OnlyLoopback: true}, Proxy: through}, "http://127.0.0.1:1/"); err == nil || errors.As(err, &refused) {
		t.Errorf("a loopback provider is asked through the proxy: %v", err)
	}
	if len(asked) != 0 {
		t.Errorf("the proxy was asked for %s", <-asked)
	}
}

func TestProxy_OnAPublicNameIsNotFoundAtHome(t *testing.T) {
	server := newForbidden(t)
	proxy, err := ParseProxy("http://proxy.example:" + server.port())
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("GET", "http://provider.example/", nil)
	if _, err := transport(t, Rules{Proxy: proxy}, addrs("127.0.0.1").resolver()).RoundTrip(req); err == nil || server.hits.Load() != 0 {
		t.Errorf("got %v after %d connections", err, server.hits.Load())
	}
}

func TestParseProxy(t *testing.T) {
	for text, want := range map[string]string{
		"http://proxy.example:3128": "", "https://proxy.example": "", "socks5://10.0.0.1:1080/": "", "http://127.0.0.1:8888": "",
		"proxy.example:3128": "scheme", "ftp://proxy.example": "scheme", "": "scheme", "http://user:hunter2@proxy.example": "does not belong",
		"http://proxy.example/path": "all it has", "http://proxy.example?x": "all it has", "http://": "no host", "http://a:99999": "port", "http://a b": "not a URL",
		"http://127.1:80": "usual form", "http://%zz": "not a URL",
	} {
		_, err := ParseProxy(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

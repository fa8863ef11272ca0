package simulator

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves a simulator for the test.
func start(t *testing.T, s *Server, o ListenOptions) (*Listener, *http.Client) {
	t.Helper()
	l, err := Start(s, o)
	if err != nil {
		t.Fatal(err)
	}
	c := l.Client()
	t.Cleanup(func() {
		c.CloseIdleConnections()
		l.Close()
	})
	return l, c
}

// ask posts to a listener and reads the answer; status is 0 when there is none.
func ask1(t *testing.T, l *Listener, c *http.Client, body, fault string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.URL()+chatPath, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Sim-Fault", fault)
	resp, err := c.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}

func TestListener_ServesEveryProtocol(t *testing.T) {
	for name, o := range map[string]ListenOptions{"http": {}, "https": {TLS: true}, "h2": {TLS: true, HTTP2: true}} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			l, c := start(t, s, o)
			if got := ask1(t, l, c, hello(chatPath, `,"stream":true`), "ok"); !strings.HasSuffix(got.body, "[DONE]\n\n") {
				t.Errorf("%+v", got)
			}
			if h2 := s.Requests()[0].Proto == "HTTP/2.0"; h2 != o.HTTP2 {
				t.Error(s.Requests()[0].Proto)
			}
		})
	}
}

func TestListener_ConnectionFaults(t *testing.T) {
	for _, o := range []ListenOptions{{}, {TLS: true}, {TLS: true, HTTP2: true}} {
		l, c := start(t, New(Options{}), o)
		for fault, want := range map[string]struct {
			err     error
			headers bool
		}{
			"reset": {syscall.ECONNRESET, false}, "refused": {syscall.ECONNRESET, false}, "close": {io.EOF, false},
			"reset-headers": {syscall.ECONNRESET, true}, "cut-rst": {syscall.ECONNRESET, true}, "cut-fin": {io.ErrUnexpectedEOF, true},
		} {
			got := ask1(t, l, c, hello(chatPath, `,"stream":true`), fault)
			if got.err == nil || (got.status != 0) != want.headers || !o.HTTP2 && !errors.Is(got.err, want.err) {
				t.Errorf("%+v %s: got %d, %v", o, fault, got.status, got.err)
			}
		}
	}
}

func TestListener_LengthsThatLie(t *testing.T) {
	l, c := start(t, New(Options{}), ListenOptions{})
	c.Transport.(*http.Transport).DisableKeepAlives = true // else it logs the surplus
	if got := ask1(t, l, c, hello(chatPath, ``), "length-long"); !errors.Is(got.err, io.ErrUnexpectedEOF) {
		t.Errorf("long: %v", got.err)
	}
	got := ask1(t, l, c, hello(chatPath, ``), "length-short")
	if got.err != nil || strings.HasSuffix(got.body, "}") || got.body == "" {
		t.Errorf("short: %v %q", got.err, got.body)
	}
}

func TestListener_HeadersComeSlowly(t *testing.T) {
	l, c := start(t, New(Options{}), ListenOptions{})
	got := ask1(t, l, c, hello(chatPath, ``), "slow-headers;every=1ms")
	if got.err != nil || got.body != "{}" {
		t.Errorf("%+v", got)
	}
}

func TestListener_StaleConnectionFailsTheNextRequest(t *testing.T) {
	s := New(Options{})
	l, _ := start(t, s, ListenOptions{})
	conn, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const head = "POST /v1/chat/completions HTTP/1.1\r\nHost: sim\r\nX-Sim-Fault: stale\r\nContent-Length: 2\r\n\r\n{}"
	io.WriteString(conn, head)
	buf := make([]byte, 4096)
	if n, err := conn.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "HTTP/1.1 200 OK") {
		t.Fatalf("%q %v", buf[:n], err)
	}
	io.WriteString(conn, head)
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := conn.Read(buf); n != 0 || err == nil || errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("%q %v", buf[:n], err)
	}
	if s.Count() != 1 {
		t.Errorf("the second request arrived")
	}
}

func TestListener_GoawayEndsTheConnection(t *testing.T) {
	for _, o := range []ListenOptions{{}, {TLS: true, HTTP2: true}} {
		l, c := start(t, New(Options{}), o)
		for range 3 {
			if got := ask1(t, l, c, hello(chatPath, ``), "goaway"); got.err != nil || got.status != 200 {
				t.Errorf("%+v", got)
			}
		}
	}
}

func TestListener_RefusesAndAcceptsAgain(t *testing.T) {
	l, c := start(t, New(Options{}), ListenOptions{})
	l.Refuse()
	if got := ask1(t, l, c, hello(chatPath, ``), "ok"); !errors.Is(got.err, syscall.ECONNREFUSED) {
		t.Error(got.err)
	}
	if err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	if got := ask1(t, l, c, hello(chatPath, ``), "ok"); got.status != 200 {
		t.Error(got.err)
	}
}

func TestListener_BadCertificates(t *testing.T) {
	for name, o := range map[string]ListenOptions{
		"expired":    {TLS: true, NotAfter: time.Now().Add(-time.Hour)},
		"wrong name": {TLS: true, Names: []string{"elsewhere.invalid"}},
	} {
		l, c := start(t, New(Options{}), o)
		got := ask1(t, l, c, hello(chatPath, ``), "ok")
		var invalid x509.CertificateInvalidError
		var host x509.HostnameError
		if !errors.As(got.err, &invalid) && !errors.As(got.err, &host) {
			t.Errorf("%s: %v", name, got.err)
		}
	}
	l, _ := start(t, New(Options{}), ListenOptions{TLS: true})
	plain := &http.Client{Transport: &http.Transport{}}
	var unknown x509.UnknownAuthorityError
	if got := ask1(t, l, plain, hello(chatPath, ``), "ok"); !errors.As(got.err, &unknown) {
		t.Errorf("unknown authority: %v", got.err)
	}
}

func TestListener_HangingHandshakeEndsWithClose(t *testing.T) {
	l, c := start(t, New(Options{}), ListenOptions{TLS: true, HangHandshake: true})
	c.Timeout = 50 * time.Millisecond
	var timeout net.Error
	if got := ask1(t, l, c, hello(chatPath, ``), "ok"); !errors.As(got.err, &timeout) || !timeout.Timeout() {
		t.Error(got.err)
	}
}

func TestListener_SeesTheClientLeaveMidStream(t *testing.T) {
	s := New(Options{TokensPerSecond: 5})
	l, c := start(t, s, ListenOptions{})
	resp, err := c.Post(l.URL()+chatPath, "application/json", strings.NewReader(hello(chatPath, `,"stream":true`)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	c.CloseIdleConnections()
	if err := s.Await(t.Context(), func(all []Record) bool { return all[0].Canceled }); err != nil {
		t.Error(err)
	}
}

func TestListener_OldTLSIsRefusedByClients(t *testing.T) {
	l, c := start(t, New(Options{}), ListenOptions{TLS: true, MaxTLS: tls.VersionTLS11})
	if got := ask1(t, l, c, hello(chatPath, ``), "ok"); got.err == nil || !strings.Contains(got.err.Error(), "protocol version") {
		t.Error(got.err)
	}
}

func TestListener_FrozenConnectionsAreSilent(t *testing.T) {
	for _, o := range []ListenOptions{{}, {TLS: true, HTTP2: true}} {
		l, c := start(t, New(Options{}), o)
		if got := ask1(t, l, c, hello(chatPath, ``), "ok"); got.status != 200 {
			t.Fatal(got.err)
		}
		l.Freeze()
		c.Timeout = 50 * time.Millisecond
		var timeout net.Error
		if got := ask1(t, l, c, hello(chatPath, ``), "ok"); !errors.As(got.err, &timeout) || !timeout.Timeout() {
			t.Error(got.err)
		}
		l.Thaw()
		c.Timeout = 5 * time.Second
		if got := ask1(t, l, c, hello(chatPath, ``), "ok"); got.status != 200 {
			t.Error(got.err)
		}
	}
}

func TestListener_CloseEndsWhatHangs(t *testing.T) {
	s := New(Options{})
	l, c := start(t, s, ListenOptions{})
	var wg sync.WaitGroup
	wg.Go(func() { ask1(t, l, c, hello(chatPath, ``), "hang") })
	if err := s.Await(t.Context(), func(all []Record) bool { return len(all) > 0 }); err != nil {
		t.Fatal(err)
	}
	l.Freeze()
	l.Close()
	wg.Wait()
}

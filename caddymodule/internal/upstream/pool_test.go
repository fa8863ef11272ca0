package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counted is a server that counts its connections.
func counted(t *testing.T, h http.HandlerFunc) (url string, opened, open *atomic.Int64) {
	t.Helper()
	opened, open = new(atomic.Int64), new(atomic.Int64)
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, opened, open
}

func get(t *testing.T, p *pool, url string) *http.Response {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	resp, err := p.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func read(t *testing.T, p *pool, url string) {
	t.Helper()
	resp := get(t, p, url)
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

func TestPool_OldConnectionsAreReplacedAndRequestsUnderWayEnd(t *testing.T) {
	release := make(chan struct{})
	url, opened, open := counted(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		if r.URL.Path == "/slow" {
			<-release
		}
		_, _ = io.WriteString(w, "whole")
	})
	p := newPool(time.Hour, func() *http.Transport { return newTransport(Timeouts{}.WithDefaults()) })
	defer p.CloseIdleConnections()
	slow := get(t, p, url+"/slow")
	for range 3 {
		read(t, p, url)
	}
	if n := opened.Load(); n != 2 {
		t.Fatalf("%d connections, want one for the slow request and one for the others", n)
	}
	p.current.Load().born = time.Now().Add(-time.Hour) // they have grown old
	for range 3 {
		read(t, p, url)
	}
	if n := opened.Load(); n != 3 {
		t.Errorf("%d connections, want a new one", n)
	}
	for deadline := time.Now().Add(5 * time.Second); open.Load() != 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open, want the idle old one closed", open.Load())
		}
	}
	close(release)
	if body, err := io.ReadAll(slow.Body); err != nil || string(body) != "whole" {
		t.Errorf("the request under way got %q, %v", body, err)
	}
	slow.Body.Close()
}

func TestPool_ManyAtOnceBeginAnewOnce(t *testing.T) {
	made := new(atomic.Int64)
	p := newPool(time.Hour, func() *http.Transport { made.Add(1); return &http.Transport{} })
	p.current.Load().born = time.Now().Add(-time.Hour)
	var wait sync.WaitGroup
	seen := make([]*http.Transport, 50)
	for i := range seen {
		wait.Go(func() { seen[i] = p.transport() })
	}
	wait.Wait()
	for _, transport := range seen {
		if transport != p.current.Load().Transport {
			t.Fatal("two pools are in use")
		}
	}
}

// loopback lets a client reach the tests' servers, as a configuration would.
func loopback(*http.Transport, *net.Dialer) error { return nil }

// ask sends so many requests at the same time and reads their answers.
func ask(t *testing.T, c *Client, url string, times int) {
	t.Helper()
	to, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range times {
		group.Go(func() {
			a, err := c.Do(t.Context(), &Request{Method: http.MethodGet, URL: to, Header: http.Header{}})
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, a.Body)
			a.Close()
		})
	}
	group.Wait()
}

func TestNewGuarded_ConnectionsGrowOldToo(t *testing.T) {
	url, opened, _ := counted(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "whole") })
	c, err := NewGuarded(Timeouts{}, loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask(t, c, url, 1)
	ask(t, c, url, 1)
	if n := opened.Load(); n != 1 {
		t.Fatalf("%d connections for two requests", n)
	}
	c.transport.(*pool).age = 0
	ask(t, c, url, 1)
	if n := opened.Load(); n != 2 {
		t.Errorf("%d connections, want a second one when the first was too old", n)
	}
}

func TestClient_RelaxClosesWhatABurstHasLeftAndNotAFew(t *testing.T) {
	for name, tc := range map[string]struct{ requests, more int }{"a few": {keptIdle / 2, 0}, "a burst": {4 * keptIdle, 1}} {
		gate := make(chan struct{})
		var waiting atomic.Int64
		url, opened, _ := counted(t, func(w http.ResponseWriter, _ *http.Request) {
			if waiting.Add(1) == int64(tc.requests) {
				close(gate)
			}
			<-gate
			_, _ = io.WriteString(w, "whole")
		})
		c, err := NewGuarded(Timeouts{}, loopback)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ask(t, c, url, tc.requests)
		c.Relax()
		ask(t, c, url, 1)
		if n := opened.Load(); n != int64(tc.requests+tc.more) {
			t.Errorf("%s: %d connections for %d requests at once and one later", name, n, tc.requests)
		}
	}
}

// A provider that restarts or moves ends all its connections at once; where one
// has failed, the others in the pool are no better.
func TestClient_AfterAKeptConnectionFailedTheNextIsNew(t *testing.T) {
	const kept = 5
	type number struct{}
	var opened, waiting atomic.Int64
	together := make(chan struct{})
	var ended atomic.Bool
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if ended.Load() {
			if r.Context().Value(number{}).(int64) <= kept {
				panic(http.ErrAbortHandler)
			}
			return
		}
		if waiting.Add(1) == kept {
			close(together)
		}
		<-together
	}))
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, number{}, opened.Add(1))
	}
	s.Start()
	defer s.Close()
	c, err := NewGuarded(Timeouts{}, loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	to, err := neturl.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	post := func() error {
		body := func() io.ReadCloser { return io.NopCloser(strings.NewReader("{}")) }
		a, err := c.Do(t.Context(), &Request{URL: to, Header: http.Header{}, Body: body, Length: 2})
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, a.Body)
		return a.Close()
	}
	var group sync.WaitGroup
	for range kept {
		group.Go(func() {
			if err := post(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	ended.Store(true)
	var failed *Error
	if err := post(); !errors.As(err, &failed) || !failed.Reused {
		t.Fatalf("a kept connection that had ended: %v", err)
	}
	if err := post(); err != nil {
		t.Errorf("the next took another that had ended: %v", err)
	}
}

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

var _ = Describe("The fault matrix", func() {
	It("102 a provider that moves to another address is followed without a restart, and no request is lost", func() {
		out, refused, err := harness.Island(GinkgoT(), "TestMoving_OnAnIsland")
		if refused != nil {
			Skip("this machine gives a test no network of its own: " + refused.Error())
		}
		Expect(err).NotTo(HaveOccurred(), out)
		for line := range strings.Lines(out) {
			if _, figure, ok := strings.Cut(line, "figure: "); ok {
				AddReportEntry(strings.TrimSpace(figure))
			}
		}
	})
})

// TestMoving_OnAnIsland is what the spec above runs in a network of its own,
// where the name of a provider is what the test says.
//
// An old address that goes on working is followed when its connections have
// grown old, which caddymodule/internal/upstream tests. Here it ceases to, in all
// the ways an address does.
func TestMoving_OnAnIsland(t *testing.T) {
	if !harness.OnIsland() {
		t.Skip("run by the spec of row 102, in a network namespace")
	}
	harness.Settle(t)
	names := harness.ServeNames(t, "127.0.0.1:53", "example.localhost")
	for _, way := range ways {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s TLS=%v", way.name, secure), func(t *testing.T) {
				t.Parallel()
				newMoving(t, names, secure, way).move(t)
			})
		}
	}
}

// way is how an old address ceases to serve.
type way struct {
	name  string
	leave func(*place)
	more  string
}

// Requests that are under way when their connections break or fall silent count
// as failures, five of which open the breaker: another provider answers then,
// until the new address has proved itself.
var ways = []way{
	{name: "drains its connections and is closed", leave: (*place).drain},
	{name: "resets its connections and refuses others", leave: (*place).reset},
	{name: "falls silent", leave: (*place).freeze, more: quick},
}

// moving is a gateway whose provider has an old address and a new one.
type moving struct {
	names    *harness.Names
	name     string
	way      way
	old, new *place
	gw       *harness.Gateway
}

func newMoving(t *testing.T, names *harness.Names, secure bool, way way) *moving {
	var id *leaf
	authority := newIssuer(t, "everywhere")
	m := &moving{names: names, way: way, name: fmt.Sprintf("api-%d.example.localhost", moves.Add(1))}
	if secure {
		id = authority.issue(t, m.name, "")
	}
	m.old = newPlace(t, "127.0.0.2:0", "old", id)
	_, port, err := net.SplitHostPort(m.old.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	m.new = newPlace(t, "127.0.0.3:"+port, "new", id)
	names.Point(m.name, [4]byte{127, 0, 0, 2})
	one := harness.Provider{Name: "one", Kind: "simulator", Keys: []string{"k"}, URL: "http://" + m.name + ":" + port}
	if secure {
		one.URL = strings.Replace(one.URL, "http:", "https:", 1)
		file := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.certificate.Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		one.More = []string{fmt.Sprintf("ca_file: %q", file)}
	}
	spare := harness.NewUpstream(t, paced("spare"))
	m.gw = harness.Start(t, harness.Config{Providers: []harness.Provider{one, spare.As("two", "simulator", "k")}, More: way.more + "log:\n  exchanges: none\n"})
	return m
}

// moves numbers the names, so that moves may happen side by side.
var moves atomic.Int64

// paced is a provider that takes 35 ms for an answer.
func paced(name string) simulator.Options {
	return simulator.Options{Name: name, TTFT: 5 * time.Millisecond, TokensPerSecond: 800, MaxRecords: -1}
}

// move lets the provider move while it is asked, and looks at every answer.
func (m *moving) move(t *testing.T) {
	load := newAsking(m.gw, 8)
	defer load.end()
	load.await(t, "answers of the old address", func(by map[string]int) bool { return by["old"] >= 100 })
	m.names.Point(m.name, [4]byte{127, 0, 0, 3})
	m.way.leave(m.old)
	begun := time.Now()
	load.await(t, "answers of the new address", func(by map[string]int) bool { return by["new"] >= 100 })
	took := time.Since(begun)
	load.end()
	t.Logf("figure: %s: 100 answers from the new address after %s; %v", t.Name(), took.Round(time.Millisecond), load.counts())
	for _, bad := range load.bad() {
		t.Error(bad)
	}
}

// asking is a number of clients that ask one request after the other, half of
// them streams.
type asking struct {
	stop context.CancelFunc
	done context.Context
	wait sync.WaitGroup
	mu   sync.Mutex
	by   map[string]int // answers by who gave them
	lost []string
}

func newAsking(gw *harness.Gateway, clients int) *asking {
	l := &asking{by: map[string]int{}}
	l.done, l.stop = context.WithCancel(context.Background())
	for i := range clients {
		l.wait.Go(func() {
			for l.done.Err() == nil {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				l.note(gw.AskContext(ctx, harness.Ask{Stream: i%2 == 0}))
				cancel()
			}
		})
	}
	return l
}

// note counts an answer. One of which the client already had a part may end
// with an error event when its connection goes; nothing else may be missing.
func (l *asking) note(a *harness.Answer) {
	outcome := a.Outcome(16)
	seen, _ := a.Transcript()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case outcome == harness.OK:
		l.by[seen.Name]++
	case outcome == harness.EVT:
		l.by["cut"]++
	default:
		l.lost = append(l.lost, fmt.Sprintf("%s: %.300s", outcome, bytes.TrimSpace(a.Body)))
	}
}

func (l *asking) counts() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.by)
}

func (l *asking) bad() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// await waits until the counts are as they shall be.
func (l *asking) await(t *testing.T, what string, done func(map[string]int) bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !done(l.counts()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s: %v, lost %q", what, l.counts(), l.bad())
		}
	}
}

// end lets the requests under way end. Later calls do nothing.
func (l *asking) end() {
	l.stop()
	l.wait.Wait()
}

// place is a provider at one address.
type place struct {
	server   *http.Server
	listener net.Listener
	mu       sync.Mutex
	conns    []*placeConn
	frozen   chan struct{} // closed: everything is silent
	gone     chan struct{} // closed with the test
}

// newPlace serves at an address until the test ends, over TLS if id is not nil.
func newPlace(t *testing.T, address, name string, id *leaf) *place {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{listener: listener, frozen: make(chan struct{}), gone: make(chan struct{})}
	sim := simulator.New(paced(name))
	p.server = &http.Server{Handler: sim, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if id == nil {
			_ = p.server.Serve(placeListener{listener, p})
			return
		}
		p.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{id.tls}, MinVersion: tls.VersionTLS12}
		_ = p.server.ServeTLS(placeListener{listener, p}, "", "")
	}()
	t.Cleanup(func() {
		close(p.gone)
		_ = p.server.Close()
		<-done
	})
	return p
}

// drain lets what is under way end, then closes everything.
func (p *place) drain() { _ = p.server.Shutdown(context.Background()) }

// reset closes the port and resets every connection, busy or idle.
func (p *place) reset() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		_ = c.Conn.Close()
	}
}

// freeze makes every connection silent, and those that are still to come.
func (p *place) freeze() { close(p.frozen) }

// placeListener keeps the connections of a place.
type placeListener struct {
	net.Listener
	place *place
}

// Accept returns the next connection.
func (l placeListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p := l.place
	kept := &placeConn{c, p}
	p.mu.Lock()
	p.conns = append(p.conns, kept)
	p.mu.Unlock()
	return kept, nil
}

// placeConn is a connection that can fall silent.
type placeConn struct {
	net.Conn
	place *place
}

// Read reads, and keeps to itself what comes in once all is silent.
func (c *placeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.hush()
	return n, err
}

// Write writes unless all is silent.
func (c *placeConn) Write(b []byte) (int, error) {
	c.hush()
	return c.Conn.Write(b)
}

func (c *placeConn) hush() {
	select {
	case <-c.place.frozen:
		<-c.place.gone
	default:
	}
}

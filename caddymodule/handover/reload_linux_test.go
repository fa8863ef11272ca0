package handover

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const get = "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"

func TestReload_AnIdleConnectionIsServedByTheHeir(t *testing.T) {
	a := free(t)
	begin(t, a)
	unused, idle := call(t, a), call(t, a)
	if answer, by := idle.ask(get); answer != "GET /one 0" || by != "first" {
		t.Fatalf("%q by %q", answer, by)
	}
	load(t, "second", a)
	load(t, "third", a)
	for name, c := range map[string]*caller{"idle": idle, "unused": unused} {
		for range 2 {
			if answer, by := c.ask(get); answer != "GET /one 0" || by != "third" {
				t.Errorf("%s: %q by %q", name, answer, by)
			}
		}
	}
}

// A server that has read the beginning of a request takes it along when it goes.
// What follows is not a request of its own, whatever it looks like.
func TestReload_TheRestOfARequestIsNotARequest(t *testing.T) {
	const beginning = "POST /public HTTP/1.1\r\nHost: a\r\nX-Note: "
	for name, prepare := range map[string]func(c *caller){
		"that begins while the connection is idle": func(c *caller) {
			c.ask(get)
			c.send(beginning)
		},
		"of which three bytes have come": func(c *caller) {
			c.ask(get)
			c.send("POS")
		},
		"that came with the one before": func(c *caller) { c.ask(get + beginning) },
		"that came with the body of the one before": func(c *caller) {
			c.ask("POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + beginning)
		},
		"that is the first": func(c *caller) { c.send(beginning) },
	} {
		t.Run(name, func(t *testing.T) {
			a := free(t)
			begin(t, a)
			c := call(t, a)
			prepare(c)
			c.awaitRead(t)
			load(t, "second", a)
			if answer, by := c.ask("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"); strings.Contains(answer, "smuggled") {
				t.Errorf("%q by %q", answer, by)
			}
		})
	}
}

func TestReload_HTTP2WithoutTLSGoesOn(t *testing.T) {
	a := free(t)
	begin(t, a)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	// Connections that are told to go away are ended by neither side at once.
	var dialled []net.Conn
	var dialer net.Dialer
	transport := &http.Transport{Protocols: protocols, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			dialled = append(dialled, c)
		}
		return c, err
	}}
	defer func() {
		for _, c := range dialled {
			c.Close()
		}
	}()
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	for _, name := range []string{"first", "second", "third"} {
		if name != "first" {
			load(t, name, a)
		}
		answer, err := client.Post("http://"+a+"/one", "", strings.NewReader("{}"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		answer.Body.Close()
		if by := answer.Header.Get("X-Name"); by == "" || answer.ProtoMajor != 2 {
			t.Errorf("%s by %q after the %s", answer.Proto, by, name)
		}
	}
}

func TestReload_KeptConnectionsEndWithTheAddress(t *testing.T) {
	a, b := free(t), free(t)
	begin(t, a, b)
	kept := call(t, a)
	kept.ask(get)
	load(t, "second", a, b)
	load(t, "third", b)
	_ = kept.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := kept.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("reading says %v, want the end", err)
	}
}

// TestReload_NoRequestIsServedWithoutAnAnswer has many connections ask at about
// the time they are taken. Who gets no answer asks again, which would be twice.
func TestReload_NoRequestIsServedWithoutAnAnswer(t *testing.T) {
	a := free(t)
	begin(t, a)
	var callers []*caller
	for range 300 {
		c := call(t, a)
		if answer, _ := c.ask(get); answer == "" {
			t.Fatal("no answer")
		}
		callers = append(callers, c)
	}
	var all sync.WaitGroup
	var answered, unanswered atomic.Int64
	start := make(chan struct{})
	for i, c := range callers {
		all.Go(func() {
			<-start
			time.Sleep(leaving + time.Duration(i)*30*time.Microsecond - time.Millisecond)
			if answer, _ := c.ask("POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"); answer != "" {
				answered.Add(1)
			} else {
				unanswered.Add(1)
			}
		})
	}
	served.Store(0)
	before = func() { close(start) }
	load(t, "second", a)
	before = nil
	all.Wait()
	if served.Load() != answered.Load() {
		t.Errorf("%d served, %d answered", served.Load(), answered.Load())
	}
	t.Logf("%d answered, %d not", answered.Load(), unanswered.Load())
}

func TestReload_ConnectionsDoNotPileUp(t *testing.T) {
	a := free(t)
	begin(t, a)
	load(t, "second", a)
	count := runtime.NumGoroutine()
	for range 5 {
		c := call(t, a)
		c.ask(get)
		load(t, "again", a)
		c.Close()
	}
	for range 200 { // what is taken down takes a moment
		if runtime.NumGoroutine() <= count+2 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), count)
}

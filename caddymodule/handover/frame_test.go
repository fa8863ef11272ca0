package handover

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
)

// frame is an app of Caddy's that does with servers what aimux's does.
type frame struct {
	servers Servers
	leaving atomic.Bool
}

var (
	inForce atomic.Pointer[frame]
	served  atomic.Int64 // requests that reached a handler
	before  func()       // is called when servers begin to leave
	leaving = time.Second / 40
)

func init() {
	caddy.RegisterModule(new(frame))
	caddy.RegisterModule(new(door))
}

func (*frame) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "frame", New: func() caddy.Module { return new(frame) }}
}

func (f *frame) Provision(ctx caddy.Context) error {
	events, err := ctx.App("events")
	if err != nil {
		return err
	}
	return events.(*caddyevents.App).On("stopping", f)
}

func (f *frame) Start() error { inForce.Store(f); return nil }
func (f *frame) Stop() error  { inForce.CompareAndSwap(f, nil); return nil }

func (f *frame) Handle(context.Context, caddy.Event) error {
	if next := inForce.Load(); next != nil && next != f {
		next.servers.Open()
	}
	if f.servers.AcceptNoMore() || !caddy.Exiting() {
		f.leaving.Store(true)
		if before != nil {
			before()
		}
		time.Sleep(leaving)
		f.servers.Keep()
	}
	return nil
}

// door is a handler within a frame. It says how many bytes the body had.
type door struct {
	frame  *frame
	server *Server
}

func (*door) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.door", New: func() caddy.Module { return new(door) }}
}

func (d *door) Provision(ctx caddy.Context) error {
	app, err := ctx.App("frame")
	if err != nil {
		return err
	}
	d.frame = app.(*frame)
	d.server = d.frame.servers.Of(ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server))
	return nil
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	d.server.Meet(w, r)
	served.Add(1)
	leaving := d.frame.leaving.Load()
	if leaving {
		w.Header().Set("Connection", "close")
	}
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.Path, n)
	if !leaving && d.frame.leaving.Load() {
		d.server.Bequeath(w, r)
	}
	return nil
}

// load gives Caddy a configuration with a server at each of the addresses.
func load(t *testing.T, name string, addresses ...string) {
	t.Helper()
	var servers []string
	for i, a := range addresses {
		servers = append(servers, fmt.Sprintf(`"s%d":{"listen":[%q],"automatic_https":{"disable":true},"routes":[{"handle":[{"handler":"headers","response":{"set":{"X-Name":[%q]}}},{"handler":"door"}]}]}`, i, a, name))
	}
	err := caddy.Load(fmt.Appendf(nil, `{"admin":{"disabled":true,"config":{"persist":false}},"logging":{"logs":{"default":{"level":"ERROR"}}},
		"apps":{"tls":{"disable_storage_check":true,"disable_storage_clean":true},"frame":{},"http":{"servers":{%s}}}}`, strings.Join(servers, ",")), true)
	if err != nil {
		t.Fatal(err)
	}
}

// begin loads the first configuration, and stops Caddy at the test's end.
func begin(t *testing.T, addresses ...string) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	load(t, "first", addresses...)
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// free returns an address at which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// caller is a client's connection.
type caller struct {
	net.Conn
	reader *bufio.Reader
	sent   uint64 // bytes
}

func call(t *testing.T, address string) *caller {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return &caller{Conn: c, reader: bufio.NewReader(c)}
}

// ask sends text and returns what is answered and by whom, both empty if the
// connection ends.
func (c *caller) ask(text string) (answer, by string) {
	c.send(text)
	r, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return "", ""
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return "", ""
	}
	return string(data), r.Header.Get("X-Name")
}

// send sends text, and does not mind if nobody is there.
func (c *caller) send(text string) {
	n, _ := io.WriteString(c, text)
	c.sent += uint64(n)
}

// awaitRead waits until the server has read all that was sent.
func (c *caller) awaitRead(t *testing.T) {
	t.Helper()
	var read uint64
	for range 2000 {
		inForce.Load().servers.each(func(s *Server) {
			s.conns.Range(func(conn, _ any) bool {
				if tcp, ok := conn.(*net.TCPConn); ok && tcp.RemoteAddr().String() == c.LocalAddr().String() {
					read, _ = taken(tcp)
				}
				return true
			})
		})
		if read == c.sent {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("the server has read %d bytes of %d", read, c.sent)
}

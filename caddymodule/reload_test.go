package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"

	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// serves returns a configuration of Caddy's whose server at address gives all
// requests to aimux, and names itself in a header.
func serves(address, name string) []byte {
	return fmt.Appendf(nil, `{"admin":{"disabled":true,"config":{"persist":false}},"logging":{"logs":{"default":{"level":"ERROR"}}},"apps":{"tls":{"disable_storage_check":true,"disable_storage_clean":true},"http":{"servers":{"one":{
		"listen":[%q],"protocols":["h1","h2","h3"],"automatic_https":{"disable":true},
		"routes":[{"handle":[{"handler":"headers","response":{"set":{"X-Name":[%q]}}},{"handler":"aimux"}]}]}}}}}`, address, name)
}

// caller is a connection on which requests follow each other.
type caller struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

func calls(t *testing.T, address string) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &caller{t: t, conn: conn, reader: bufio.NewReader(conn)}
}

func (c *caller) send(stream bool) {
	c.t.Helper()
	body := fmt.Sprintf(`{"model":"m","stream":%t,"messages":[{"role":"user","content":"hello"}]}`, stream)
	if _, err := fmt.Fprintf(c.conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		c.t.Fatal(err)
	}
}

// header returns an answer whose body has not been read, and who gave it.
func (c *caller) header() (*http.Response, string) {
	c.t.Helper()
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if answer.StatusCode != 200 || answer.Close {
		c.t.Fatalf("%s, the connection closes: %t", answer.Status, answer.Close)
	}
	return answer, answer.Header.Get("X-Name")
}

func (c *caller) rest(answer *http.Response) string {
	c.t.Helper()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

func TestReload_ConnectionsGoOnWithTheNewConfiguration(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	load := func(name string) {
		t.Helper()
		if err := caddy.Load(serves(address, name), true); err != nil {
			t.Fatal(err)
		}
	}
	load("first")
	defer func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	}()
	unused, idle, busy := calls(t, address), calls(t, address), calls(t, address)
	idle.send(false)
	idle.rest(first(idle.header()))
	busy.send(true)
	stream, by := busy.header()
	if by != "first" {
		t.Fatalf("answered by %q", by)
	}
	load("second")
	load("third")
	if all := busy.rest(stream); !strings.Contains(all, "[DONE]") {
		t.Errorf("the stream ended with %q", all)
	}
	for name, c := range map[string]*caller{"unused": unused, "idle": idle, "with a stream": busy} {
		for _, stream := range []bool{true, false} {
			c.send(stream)
			answer, by := c.header()
			if c.rest(answer); by != "third" {
				t.Errorf("%s: answered by %q", name, by)
			}
		}
	}
}

func first[A, B any](a A, _ B) A { return a }

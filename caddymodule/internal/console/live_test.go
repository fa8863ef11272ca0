package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

// dial opens the feed as a role.
func dial(t testing.TB, s *consoletest.Server, role string, headers ...string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	h := http.Header{}
	if role != "" {
		h.Set("Cookie", s.Cookie(role))
	}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	conn, res, err := websocket.Dial(t.Context(), s.HTTP.URL+"/ws", &websocket.DialOptions{HTTPHeader: h})
	if err == nil {
		conn.SetReadLimit(1 << 20)
		t.Cleanup(func() { conn.CloseNow() })
	}
	return conn, res, err
}

// next returns the type of the next message.
func next(t testing.TB, conn *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, data, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Type string }
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return m.Type
}

func TestSocket_SaysHelloThenFigures(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	conn, _, err := dial(t, s, "viewer", "Origin", s.HTTP.URL)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := next(t, conn), next(t, conn); a != "hello" || b != "metrics" {
		t.Errorf("%s, %s", a, b)
	}
}

func TestSocket_IsForThisOriginThisHostAndWhoIsLoggedIn(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	cases := map[string]struct {
		role    string
		headers []string
		status  int
	}{
		"nobody":           {"", nil, 401},
		"other origin":     {"admin", []string{"Origin", "https://evil.example"}, 403},
		"other port":       {"admin", []string{"Origin", "http://127.0.0.1:1"}, 403},
		"origin null":      {"admin", []string{"Origin", "null"}, 403},
		"cross-site":       {"admin", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"basic, wrong":     {"", []string{"Authorization", basic("viewer", "nope")}, 401},
		"basic, other":     {"", []string{"Authorization", basic("viewer", consoletest.Password), "Origin", "https://evil.example"}, 403},
		"session in query": {"", nil, 401},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, res, err := dial(t, s, c.role, c.headers...)
			if err == nil || res == nil || res.StatusCode != c.status {
				t.Errorf("%v %v", res, err)
			}
		})
	}
	if _, _, err := dial(t, s, "", "Authorization", basic("viewer", consoletest.Password)); err != nil {
		t.Errorf("a script: %v", err)
	}
}

func TestSocket_HasNothingToHear(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	conn, _, err := dial(t, s, "admin")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"config"}`)); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, _, err = conn.Read(t.Context()); err != nil {
			break
		}
	}
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("got %v", err)
	}
	if s.Changes() != 0 {
		t.Error("something changed")
	}
}

func TestClose_TellsConsolesToComeBack(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	conn, _, err := dial(t, s, "viewer")
	if err != nil {
		t.Fatal(err)
	}
	next(t, conn)
	s.Console.Close()
	for err == nil {
		_, _, err = conn.Read(t.Context())
	}
	if websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("got %v", err)
	}
	if _, res, err := dial(t, s, "viewer"); err == nil || res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("a new feed: %v %v", res, err)
	}
	if a := s.Call(t, "viewer", "GET", "/api/meta", ""); a.Status != 200 {
		t.Errorf("all else: %d", a.Status)
	}
}

// flood tells of alerts too large for any socket's buffer until check is true.
func flood(t *testing.T, s *consoletest.Server, check func() bool) {
	t.Helper()
	text := strings.Repeat("x", 256<<10)
	deadline := time.Now().Add(15 * time.Second)
	for !check() {
		if time.Now().After(deadline) {
			t.Fatal("the console that reads nothing is still fed")
		}
		s.Console.Feed().Alert(console.Alert{Name: "a", State: "firing", Since: console.At(time.Now()), Text: text})
		time.Sleep(time.Millisecond)
	}
}

func TestFeed_LetsGoOfConsolesThatReadNothing(t *testing.T) {
	for name, head := range map[string]string{
		"socket": "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		"events": "GET /api/events HTTP/1.1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := consoletest.Serve(t, consoletest.Settings{})
			conn, err := net.Dial("tcp", s.HTTP.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "%sHost: %s\r\nCookie: %s\r\n\r\n", head, s.HTTP.Listener.Addr(), s.Cookie("viewer"))
			line, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
			if err != nil || !strings.Contains(line, " 101 ") && !strings.Contains(line, " 200 ") {
				t.Fatalf("%q %v", line, err)
			}
			flood(t, s, func() bool { return !s.Console.Feed().Watched() })
		})
	}
}

func TestFeed_AConsoleThatVanishesIsForgotten(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	conn, _, err := dial(t, s, "viewer")
	if err != nil {
		t.Fatal(err)
	}
	next(t, conn)
	conn.CloseNow()
	ctx, cancel := context.WithCancel(t.Context())
	r := newRequest(t, "GET", s.HTTP.URL+"/api/events", s.Cookie("viewer")).WithContext(ctx)
	res, err := s.HTTP.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	res.Body.Close()
	flood(t, s, func() bool { return !s.Console.Feed().Watched() })
}

func TestEvents_ComeAsEventsWithTheirType(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	res, err := s.HTTP.Client().Do(newRequest(t, "GET", s.HTTP.URL+"/api/events", s.Cookie("viewer")))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); kind != "text/event-stream; charset=utf-8" {
		t.Errorf("content type %q", kind)
	}
	in := bufio.NewReader(res.Body)
	for _, want := range []string{"event: hello\n", `data: {"type":"hello","data":{`, "\n", "event: metrics\n"} {
		line, err := in.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, want) {
			t.Fatalf("%q, want %q: %v", line, want, err)
		}
	}
}

// BenchmarkFeed_SecondAtThousandRequests runs whole seconds in each of which a
// thousand requests end, and reports the processor time of the process a
// second. The consoles' own reading is in it, since they live in this process.
func BenchmarkFeed_SecondAtThousandRequests(b *testing.B) {
	for _, consoles := range []int{0, 1, 20} {
		b.Run(fmt.Sprintf("consoles=%d", consoles), func(b *testing.B) {
			s := consoletest.Serve(b, consoletest.Settings{})
			before := memory()
			for range consoles {
				conn, _, err := dial(b, s, "viewer")
				if err != nil {
					b.Fatal(err)
				}
				go func() {
					for {
						_, r, err := conn.Reader(context.Background())
						if err != nil {
							return
						}
						_, _ = io.Copy(io.Discard, r)
					}
				}()
			}
			request := console.Request{ID: "req-0001", Start: console.At(time.Now()), Client: "laptop", Model: "coder", Provider: "zai", Target: "glm-5.2", Status: 200}
			used, begun := processor(), time.Now()
			for b.Loop() {
				end := time.Now().Add(time.Second)
				for i := range 1000 {
					s.Console.Feed().Ended([]string{"zai", "cerebras", "minimax"}[i%3], func() console.Request { return request })
					time.Sleep(time.Until(end.Add(-time.Second + time.Duration(i)*time.Millisecond)))
				}
			}
			b.ReportMetric(float64((processor()-used).Microseconds())/1000/time.Since(begun).Seconds(), "cpu-ms/s")
			if consoles > 0 {
				b.ReportMetric(float64(memory()-before)/1024/float64(consoles), "KiB/console")
			}
		})
	}
}

func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipe is a provider whose answer the test writes byte by byte.
type pipe struct {
	header chan struct{} // closed: the header is sent
	body   *io.PipeReader
}

func (p *pipe) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-p.header:
		context.AfterFunc(r.Context(), func() { p.body.CloseWithError(r.Context().Err()) })
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: p.body}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func newPipe() (*pipe, *io.PipeWriter) {
	r, w := io.Pipe()
	return &pipe{header: make(chan struct{}), body: r}, w
}

var somewhere = &url.URL{Scheme: "http", Host: "x", Path: "/"}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func opens(text string) func() io.ReadCloser {
	return func() io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }
}

// drip writes text n times, once each pause, until the reader is gone.
func drip(w *io.PipeWriter, n int, pause time.Duration, text string) <-chan struct{} {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for range n {
			time.Sleep(pause)
			if _, err := io.WriteString(w, text); err != nil {
				return
			}
		}
	}()
	return finished
}

func wantTimer(t *testing.T, err error, timer string) {
	t.Helper()
	var timeout *TimeoutError
	if !errors.As(err, &timeout) || timeout.Timer != timer {
		t.Fatalf("got %v, want the %s timer", err, timer)
	}
}

func TestDo_FirstEventTimerCoversHeaderAndSilence(t *testing.T) {
	t.Run("no header", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, _ := newPipe()
			start := time.Now()
			_, err := New(Timeouts{FirstEvent: 7 * time.Second}, p).Do(t.Context(), &Request{URL: somewhere})
			wantTimer(t, err, "first_event")
			if d := time.Since(start); d != 7*time.Second {
				t.Errorf("after %v", d)
			}
		})
	})
	t.Run("header, then silence", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, _ := newPipe()
			close(p.header)
			a, err := New(Timeouts{FirstEvent: 7 * time.Second}, p).Do(t.Context(), &Request{URL: somewhere})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			_, err = a.Body.Read(make([]byte, 1))
			wantTimer(t, err, "first_event")
		})
	})
}

func TestAnswer_IdleTimerStartsWithContentAndMovesWithReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := newPipe()
		close(p.header)
		a, err := New(Timeouts{FirstEvent: time.Second, Idle: 10 * time.Second}, p).Do(t.Context(), &Request{URL: somewhere})
		if err != nil {
			t.Fatal(err)
		}
		a.Content()
		finished := drip(w, 5, 9*time.Second, "x")
		defer func() { a.Close(); <-finished }()
		start := time.Now()
		data, err := io.ReadAll(a.Body)
		wantTimer(t, err, "idle")
		if d := time.Since(start); string(data) != "xxxxx" || d != 55*time.Second {
			t.Errorf("read %q in %v", data, d)
		}
	})
}

func TestAnswer_PingsAloneDoNotCountAsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := newPipe()
		close(p.header)
		a, err := New(Timeouts{Idle: time.Minute, NoProgress: 5 * time.Minute}, p).Do(t.Context(), &Request{URL: somewhere})
		if err != nil {
			t.Fatal(err)
		}
		a.Content()
		finished := drip(w, 20, 30*time.Second, ".")
		defer func() { a.Close(); <-finished }()
		_, err = io.ReadAll(a.Body)
		wantTimer(t, err, "no_progress")
	})
}

func TestAnswer_TotalTimerEndsAStreamThatFlows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := newPipe()
		close(p.header)
		a, err := New(Timeouts{Total: time.Minute}, p).Do(t.Context(), &Request{URL: somewhere})
		if err != nil {
			t.Fatal(err)
		}
		a.Content()
		finished := drip(w, 100, time.Second, ".")
		defer func() { a.Close(); <-finished }()
		_, err = io.ReadAll(a.Body)
		wantTimer(t, err, "total")
	})
}

func TestDo_ClientsCancelIsNotATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := New(Timeouts{}, p).Do(ctx, &Request{URL: somewhere})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDo_SaysHowFarItGot(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	hangUp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp.Close()
	go func() {
		for {
			conn, err := hangUp.Accept()
			if err != nil {
				return
			}
			http.ReadRequest(bufio.NewReader(conn))
			conn.Close()
		}
	}()
	for name, tc := range map[string]struct {
		url  string
		want Phase
	}{
		"refused":               {"http://" + closed.Addr().String(), PhaseDial},
		"hung up after sending": {"http://" + hangUp.Addr().String(), PhaseHeaders},
		"not TLS":               {"https://" + hangUp.Addr().String(), PhaseTLS},
	} {
		t.Run(name, func(t *testing.T) {
			c := New(Timeouts{}, nil)
			defer c.Close()
			_, err := c.Do(t.Context(), &Request{URL: parse(t, tc.url), Header: http.Header{}, Body: opens("{}"), Length: 2})
			var failed *Error
			if !errors.As(err, &failed) || failed.Phase != tc.want {
				t.Errorf("got %v, want phase %s", err, tc.want)
			}
		})
	}
}

func TestDo_FollowsNoRedirectAndReusesTheConnection(t *testing.T) {
	hits := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer s.Close()
	c := New(Timeouts{}, nil)
	defer c.Close()
	for i := range 2 {
		a, err := c.Do(t.Context(), &Request{URL: parse(t, s.URL), Header: http.Header{}})
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, a.Body)
		a.Close()
		if a.Status != 302 || a.Reused != (i > 0) {
			t.Errorf("answer %d: status %d, reused %t", i, a.Status, a.Reused)
		}
	}
	if hits != 2 {
		t.Errorf("%d requests arrived, want 2", hits)
	}
}

func TestAnswer_DrainEndsAfterASecondAndIgnoresTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := newPipe()
		close(p.header)
		ctx, cancel := context.WithCancel(t.Context())
		a, err := New(Timeouts{}, p).Do(ctx, &Request{URL: somewhere, Drains: true})
		if err != nil {
			t.Fatal(err)
		}
		a.Content()
		start := time.Now()
		a.Drain()
		cancel()
		for {
			if _, err := w.Write([]byte("late")); err != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if d := time.Since(start); d < time.Second || d > 1200*time.Millisecond {
			t.Errorf("drained for %v, want a second", d)
		}
	})
}

func TestDo_BoundsInterimAnswers(t *testing.T) {
	for sent, want := range map[int]bool{maxInterim: true, maxInterim + 1: false} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range sent {
				w.WriteHeader(http.StatusEarlyHints)
			}
			w.WriteHeader(http.StatusOK)
		}))
		c := New(Timeouts{}, nil)
		a, err := c.Do(t.Context(), &Request{URL: parse(t, s.URL), Header: http.Header{}})
		if (err == nil) != want {
			t.Errorf("after %d interim answers: %v", sent, err)
		}
		if err == nil {
			a.Close()
		}
		c.Close()
		s.Close()
	}
}

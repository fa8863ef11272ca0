package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

const (
	// writeWithin is how long a console may take to accept a message.
	writeWithin = 5 * time.Second
	// aliveEvery is how often a feed looks whether its session still stands.
	aliveEvery = 15 * time.Second
)

// helloNews is the first message of a feed.
type helloNews struct {
	Now  Time   `json:"now"`
	User string `json:"user"`
	Role string `json:"role"`
}

// serveSocket is the live feed over WebSocket. The guard has compared Host and
// Origin; the library compares them once more.
func serveSocket(k *call) (any, error) {
	if !strings.EqualFold(k.r.Header.Get("Upgrade"), "websocket") {
		return nil, badRequest("this path speaks WebSocket; /api/events has the same as server-sent events")
	}
	sub, err := k.c.feed.subscribe()
	if err != nil {
		return nil, err
	}
	defer k.c.feed.drop(sub, "")
	conn, err := websocket.Accept(k.w, k.r, nil)
	if err != nil {
		return streamed{}, nil // Accept has answered
	}
	ctx, cancel := context.WithCancel(k.settled())
	var reader sync.WaitGroup
	defer reader.Wait()
	defer conn.CloseNow()
	defer cancel()
	spoke := false
	reader.Go(func() { spoke = listen(ctx, conn); cancel() })
	why := k.relay(ctx, sub, func(fr frame) error {
		ctx, cancel := context.WithTimeout(ctx, writeWithin)
		defer cancel()
		return conn.Write(ctx, websocket.MessageText, fr.text)
	})
	switch why {
	case "restarting":
		_ = conn.Close(websocket.StatusServiceRestart, why)
	case "session ended":
		_ = conn.Close(websocket.StatusPolicyViolation, why)
	case "": // the page left, or said something
		cancel()
		reader.Wait()
		if spoke {
			_ = conn.Close(websocket.StatusPolicyViolation, "there is nothing to say here")
		}
	}
	return streamed{}, nil
}

// listen answers pings and waits for the end. The request's own context means
// nothing after the upgrade. A page has nothing to say; listen returns true if it
// says something. The library's CloseRead does nearly this, but after a message
// it waits for itself.
func listen(ctx context.Context, conn *websocket.Conn) (spoke bool) {
	conn.SetReadLimit(1024)
	_, _, err := conn.Reader(ctx)
	return err == nil
}

// serveEvents is the live feed as server-sent events.
func serveEvents(k *call) (any, error) {
	rc := http.NewResponseController(k.w)
	sub, err := k.c.feed.subscribe()
	if err != nil {
		return nil, err
	}
	defer k.c.feed.drop(sub, "")
	k.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	k.w.Header().Set("X-Accel-Buffering", "no")
	k.w.WriteHeader(http.StatusOK)
	k.relay(k.ctx(), sub, func(fr frame) error {
		if err := rc.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return errors.Join(writeEvent(k.w, fr), rc.Flush())
	})
	_ = rc.SetWriteDeadline(time.Time{}) // the connection may serve on
	return streamed{}, nil
}

// writeEvent writes a frame as an event. Its text is JSON on one line.
func writeEvent(w http.ResponseWriter, fr frame) error {
	for _, part := range [...][]byte{[]byte("event: " + fr.kind + "\ndata: "), fr.text, []byte("\n\n")} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// relay passes frames on until the console leaves, is dropped, or loses its
// session, and returns why in the two latter cases.
func (k *call) relay(ctx context.Context, sub *subscriber, write func(frame) error) string {
	hello, err := asJSON(message{"hello", helloNews{At(k.c.o.Now()), k.who.User, k.who.Role.String()}})
	if err != nil || write(frame{"hello", hello}) != nil {
		return ""
	}
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	for {
		select {
		case fr := <-sub.frames:
			if write(fr) != nil {
				return ""
			}
		case <-alive.C:
			if !k.stillIn() {
				return "session ended"
			}
		case <-sub.lost:
			return sub.why
		case <-ctx.Done():
			return ""
		}
	}
}

// stillIn reports whether who opened the feed might still open it. Looking is
// not using: a page that is only left open loses its session like any other.
func (k *call) stillIn() bool {
	if _, local := k.r.Context().Value(localKey{}).(auth.Identity); local {
		return true
	}
	if k.token != "" {
		who, ok := k.c.o.Auth.Session(k.token, false)
		return ok && who.Role >= k.route.role && !who.MustChange
	}
	who, err := k.c.o.Auth.Basic(context.Background(), k.r.Header.Get("Authorization"), k.ip)
	return err == nil && who.Role >= k.route.role
}

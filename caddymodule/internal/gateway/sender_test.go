package gateway

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
)

// dated is a response writer that keeps the deadlines it is given.
type dated struct {
	*httptest.ResponseRecorder
	writes []time.Time
}

func (d *dated) SetWriteDeadline(at time.Time) error {
	d.writes = append(d.writes, at)
	return nil
}

func TestSender_WhatTheServerHasBufferedMustBeTakenInTimeToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &dated{ResponseRecorder: httptest.NewRecorder()}
		s := newSender(w, w, openai.New())
		s.onStuck(time.Minute, func() { t.Error("a client that reads is not stuck") })
		if err := s.whole([]byte("{}"), func() {}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		s.close()
		if want := time.Now().Add(time.Minute); len(w.writes) != 1 || !w.writes[0].Equal(want) {
			t.Errorf("deadlines %v, want one at %v", w.writes, want)
		}
	})
}

// stalled is a client that takes nothing, until the connection is cut.
type stalled struct {
	dated
	cut chan struct{}
}

func (s *stalled) Write([]byte) (int, error) {
	<-s.cut
	return 0, http.ErrHandlerTimeout
}

func TestSender_AClientThatWasCutGetsNoMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stalled{dated{ResponseRecorder: httptest.NewRecorder()}, make(chan struct{})}
		s := newSender(w, w, openai.New())
		s.onStuck(time.Minute, func() {
			s.cut()
			close(w.cut)
		})
		begun := time.Now()
		if s.whole(make([]byte, 2*alwaysBuffered), func() {}) == nil {
			t.Error("the write did not fail")
		}
		if took := time.Since(begun); took > 75*time.Second {
			t.Errorf("cut after %v, want a minute and at most a quarter", took)
		}
		s.close()
		if len(w.writes) != 1 || !w.writes[0].Equal(past) {
			t.Errorf("deadlines %v, want the past alone", w.writes)
		}
	})
}

// The first content may come in the moment of the first ping.
func TestSender_PingAndContentBeginTheAnswerOneAfterTheOther(t *testing.T) {
	for range 300 {
		w := httptest.NewRecorder()
		s := newSender(w, w, openai.New())
		s.keepAlive(time.Microsecond, time.Hour)
		s.commit(func() {
			for i := range 20 {
				s.set("X-Aimux-"+strconv.Itoa(i), "x")
			}
		})
		s.close()
	}
}

package upstream

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// begun is an answer of which the header has come, and the provider's end of it.
func begun(t *testing.T, timeouts Timeouts) (*Answer, *io.PipeWriter) {
	t.Helper()
	p, w := newPipe()
	close(p.header)
	a, err := New(timeouts, p).Do(t.Context(), &Request{URL: somewhere})
	if err != nil {
		t.Fatal(err)
	}
	return a, w
}

// flowing is begun, and content has come.
func flowing(t *testing.T, timeouts Timeouts) (*Answer, *io.PipeWriter) {
	t.Helper()
	a, w := begun(t, timeouts)
	a.Content()
	return a, w
}

// listen reads one piece of an answer and says how long that took.
func listen(a *Answer) (time.Duration, error) {
	start := time.Now()
	_, err := a.Body.Read(make([]byte, 1))
	return time.Since(start), err
}

func TestAnswer_SlowClientIsNotTheProvidersSilence(t *testing.T) {
	for name, pause := range map[string]time.Duration{
		"a little longer than idle":         10*time.Second + 1,
		"as long as idle":                   10 * time.Second,
		"at the timer's second time":        20 * time.Second,
		"many times idle":                   time.Minute,
		"shorter than idle, but every time": 7 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, w := flowing(t, Timeouts{Idle: 10 * time.Second})
				finished := drip(w, 20, 0, "x")
				defer func() { a.Close(); <-finished }()
				for i := range 20 {
					if _, err := listen(a); err != nil {
						t.Fatalf("read %d: %v", i, err)
					}
					a.Progress()
					time.Sleep(pause)
				}
			})
		})
	}
}

func TestAnswer_SilenceAfterAPauseIsEndedOneIdleTimeAfterTheReadBegan(t *testing.T) {
	for _, pause := range []time.Duration{0, 1, 3 * time.Second, 10*time.Second - 1, 10 * time.Second, 25 * time.Second, time.Hour / 4} {
		t.Run(pause.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, w := flowing(t, Timeouts{Idle: 10 * time.Second})
				finished := drip(w, 1, 4*time.Second, "x")
				defer func() { a.Close(); <-finished }()
				if _, err := listen(a); err != nil {
					t.Fatal(err)
				}
				a.Progress()
				time.Sleep(pause)
				waited, err := listen(a)
				wantTimer(t, err, "idle")
				if waited != 10*time.Second {
					t.Errorf("ended %v after the read began", waited)
				}
			})
		})
	}
}

func TestAnswer_TimeUntilContentIsNotIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := begun(t, Timeouts{FirstEvent: time.Minute, Idle: 10 * time.Second})
		finished := drip(w, 1, 50*time.Second, "x")
		defer func() { a.Close(); <-finished }()
		if _, err := listen(a); err != nil {
			t.Fatal(err)
		}
		a.Content()
		waited, err := listen(a)
		wantTimer(t, err, "idle")
		if waited != 10*time.Second {
			t.Errorf("ended %v after the content", waited)
		}
	})
}

func TestAnswer_ContentDuringAReadStartsItsIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := begun(t, Timeouts{FirstEvent: time.Minute, Idle: 10 * time.Second, NoProgress: 20 * time.Second})
		defer a.Close()
		time.AfterFunc(50*time.Second, a.Content)
		waited, err := listen(a)
		wantTimer(t, err, "idle")
		if waited != time.Minute {
			t.Errorf("ended after %v, want 10s after the content", waited)
		}
	})
}

// A provider sends pings, and whoever passes them on takes pause for each.
func TestAnswer_OnlyWaitingForPingsCountsAsNoProgress(t *testing.T) {
	for name, tc := range map[string]struct {
		ping, pause time.Duration // between two pings, of the client
		want        time.Duration // what reads waited, without the first
	}{
		"nobody pauses":                     {20 * time.Second, 0, 5 * time.Minute},
		"pings wait for the client":         {0, time.Minute, 0},
		"pauses between the pings":          {20 * time.Second, 19 * time.Second, 5 * time.Minute},
		"pauses longer than no progress is": {20 * time.Second, 7 * time.Minute, 5 * time.Minute},
		"pauses and pings in no step":       {11 * time.Second, 67 * time.Second, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, w := flowing(t, Timeouts{Idle: time.Minute, NoProgress: 5 * time.Minute, Total: 10 * time.Hour})
				const pings = 60
				// The provider's clock goes on when a ping is taken: then each read
				// waits for it, however long the client paused.
				taken, finished := make(chan struct{}, pings), make(chan struct{})
				go func() {
					defer close(finished)
					for range taken {
						time.Sleep(tc.ping)
						if _, err := io.WriteString(w, "."); err != nil {
							return
						}
					}
				}()
				defer func() { close(taken); a.Close(); <-finished }()
				var waited time.Duration
				for i := range pings {
					taken <- struct{}{}
					d, err := listen(a)
					if i > 0 {
						waited += d
					}
					if err != nil {
						wantTimer(t, err, "no_progress")
						break
					}
					time.Sleep(tc.pause)
				}
				if waited != tc.want {
					t.Errorf("listened for %v, want %v", waited, tc.want)
				}
			})
		})
	}
}

func TestAnswer_ProgressBeginsTheCountOfPingsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := flowing(t, Timeouts{Idle: time.Minute, NoProgress: 5 * time.Minute})
		finished := drip(w, 80, 15*time.Second, ".")
		defer func() { a.Close(); <-finished }()
		for i := range 80 {
			if _, err := listen(a); err != nil {
				t.Fatalf("read %d: %v", i, err)
			}
			if i%19 == 18 {
				a.Progress()
			}
		}
	})
}

// Whatever a client's pauses and a provider's delays, the idle timer ends an
// answer at the first read that waits too long for the provider, and at that
// moment.
func TestAnswer_IdleIsWhatOneReadWaits(t *testing.T) {
	const idle = 10*time.Second + time.Millisecond // no sum of whole seconds
	rapid.Check(t, func(rt *rapid.T) {
		seconds := rapid.SliceOfN(rapid.IntRange(0, 13), 12, 12)
		delays, pauses := seconds.Draw(rt, "delays"), seconds.Draw(rt, "pauses")
		moves := rapid.SliceOfN(rapid.Bool(), 12, 12).Draw(rt, "progress")
		synctest.Test(t, func(t *testing.T) {
			a, w := flowing(t, Timeouts{Idle: idle, NoProgress: time.Hour})
			finished := make(chan struct{})
			go func() {
				defer close(finished)
				for _, delay := range delays {
					time.Sleep(time.Duration(delay) * time.Second)
					if _, err := io.WriteString(w, "x"); err != nil {
						return
					}
				}
			}()
			defer func() { a.Close(); <-finished }()
			left := time.Duration(0) // of the delay, when the read begins
			for i := range delays {
				left = max(0, left+time.Duration(delays[i])*time.Second)
				waited, err := listen(a)
				if left > idle {
					if err == nil || waited != idle {
						rt.Fatalf("read %d of a provider that takes %v: %v after %v", i, left, err, waited)
					}
					return
				}
				if err != nil || waited != left {
					rt.Fatalf("read %d took %v: %v, want %v", i, waited, err, left)
				}
				if moves[i] {
					a.Progress()
				}
				pause := time.Duration(pauses[i]) * time.Second
				time.Sleep(pause)
				left = -pause
			}
		})
	})
}

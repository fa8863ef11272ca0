package quota

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// office is a provider whose quota endpoint says what the test wants.
type office struct {
	Asker
	seat   Seat
	time   time.Time
	status int
	says   string
	asked  []string // the keys
}

// RoundTrip answers the questions.
func (o *office) RoundTrip(r *http.Request) (*http.Response, error) {
	o.asked = append(o.asked, r.Header.Get("Authorization"))
	w := httptest.NewRecorder()
	w.WriteHeader(o.status)
	fmt.Fprint(w, o.says)
	return w.Result(), nil
}

func open(t *testing.T, accounts ...*keypool.State) *office {
	t.Helper()
	o := &office{time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), status: http.StatusOK}
	known, ok := provider.Catalogue().Vendor("zai-coding")
	if !ok {
		t.Fatal("no kind zai-coding")
	}
	vendor, err := known.At(provider.Bases{Main: "http://office.example"})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return o.time }
	var keys []*keypool.Key
	for i := range max(len(accounts), 1) {
		name := fmt.Sprintf("k%d", i+1)
		k := &keypool.Key{Name: name, Secret: func(context.Context) (string, error) { return name, nil }}
		if len(accounts) > 0 {
			k.Account = accounts[i]
		}
		keys = append(keys, k)
	}
	o.Asker.Now = now
	o.seat = Seat{Provider: "zai", Vendor: vendor, Client: upstream.New(upstream.Timeouts{}, o),
		Keys: keypool.New("", keys, keypool.Options{Now: now, Rand: func() float64 { return 0 }})}
	return o
}

// fail makes the next key rest.
func (o *office) fail(t *testing.T, out keypool.Outcome) {
	t.Helper()
	for range 3 { // a lone key is forgiven once
		l, err := o.seat.Keys.Acquire("m", nil)
		if err != nil {
			return
		}
		o.time = o.time.Add(time.Millisecond)
		l.Release(out)
	}
}

// pass lets time go by, with a round every minute.
func (o *office) pass(d time.Duration) {
	for end := o.time.Add(d); o.time.Before(end); {
		o.time = o.time.Add(time.Minute)
		o.Round(context.Background(), []Seat{o.seat})
	}
}

func (o *office) rests() (time.Duration, bool) {
	until, _, resting := o.seat.Keys.Resting("m")
	return until.Sub(o.time), resting
}

const (
	fine = `{"code":200,"success":true,"data":{"limits":[{"type":"TOKENS_LIMIT","unit":3,"percentage":15}]}}`
	odd  = `{"code":500,"success":false}`
)

func (o *office) spentFor(d time.Duration) string {
	return fmt.Sprintf(`{"code":200,"success":true,"data":{"limits":[{"type":"TOKENS_LIMIT","unit":3,"percentage":100,"nextResetTime":%d}]}}`, o.time.Add(d).UnixMilli())
}

var spent = keypool.Outcome{Class: llm.ClassQuota, Wait: 5 * time.Hour, WaitKnown: true, KeyWide: true}

func TestRound_AKeyWhosePlanIsThereAgainReturnsEarly(t *testing.T) {
	for name, out := range map[string]keypool.Outcome{
		"plan window":  spent,
		"money":        {Class: llm.ClassBalance, KeyWide: true},
		"plan expired": {Class: llm.ClassPlanDead, KeyWide: true},
		"key refused":  {Class: llm.ClassAuth, KeyWide: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.fail(t, out)
			o.says = odd
			o.pass(time.Minute)
			if _, resting := o.rests(); !resting {
				t.Fatal("the key does not rest")
			}
			o.says = fine
			o.pass(45 * time.Minute)
			if _, resting := o.rests(); resting {
				t.Fatalf("it still rests; asked %d times", len(o.asked))
			}
			l, err := o.seat.Keys.Acquire("m", nil)
			if err != nil || !l.Probe() {
				t.Fatalf("the first request is no probe: %v", err)
			}
			if _, err := o.seat.Keys.Acquire("m", nil); err == nil {
				t.Error("a second one did not wait for it")
			}
			l.Release(keypool.Outcome{})
		})
	}
}

func TestRound_AStatedTimeReplacesTheOneThought(t *testing.T) {
	for name, d := range map[string]time.Duration{"sooner": 90 * time.Minute, "later": 5*time.Hour + 50*time.Minute} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.fail(t, spent)
			o.says = o.spentFor(d)
			o.pass(31 * time.Minute)
			if left, resting := o.rests(); !resting || (left-(d-31*time.Minute)).Abs() > time.Second {
				t.Errorf("rests another %v, want %v", left, d-31*time.Minute)
			}
		})
	}
}

func TestRound_WhatIsNoAnswerChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		says   string
	}{"an error": {500, ""}, "a page": {200, "<html>"}, "an odd answer": {200, odd}, "the key refused": {401, "{}"}} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.fail(t, spent)
			o.status, o.says = c.status, c.says
			before, _ := o.rests()
			o.pass(40 * time.Minute)
			if left, resting := o.rests(); !resting || left != before-40*time.Minute || len(o.asked) == 0 {
				t.Errorf("rests another %v, asked %d times", left, len(o.asked))
			}
		})
	}
}

func TestRound_AsksSeldomAndOnlyAboutWhatRests(t *testing.T) {
	o := open(t)
	o.says = odd
	o.pass(time.Hour)
	if len(o.asked) != 0 {
		t.Fatalf("asked %d times about a key that works", len(o.asked))
	}
	o.fail(t, spent)
	o.pass(5 * time.Hour)
	if n := len(o.asked); n < 10 || n > 70 {
		t.Errorf("asked %d times in five hours", n)
	}
	before := len(o.asked)
	o.pass(time.Hour)
	if len(o.asked) > before+1 || len(o.next) != 0 {
		t.Errorf("asked %d times after the rest", len(o.asked)-before)
	}
}

func TestRound_ARateLimitIsNotAskedAbout(t *testing.T) {
	o := open(t)
	o.fail(t, keypool.Outcome{Class: llm.ClassRate, Wait: 10 * time.Minute, WaitKnown: true})
	o.pass(9 * time.Minute)
	if len(o.asked) != 0 {
		t.Errorf("asked %d times", len(o.asked))
	}
}

func TestRound_KeysOfOneAccountAreAskedAboutOnce(t *testing.T) {
	account := keypool.NewState()
	o := open(t, account, account)
	o.fail(t, spent)
	o.says = fine
	o.pass(31 * time.Minute)
	if len(o.asked) != 1 || o.asked[0] != "k1" {
		t.Errorf("asked with %q", o.asked)
	}
	if _, resting := o.rests(); resting {
		t.Error("the account still rests")
	}
}

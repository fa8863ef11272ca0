package keypool

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// walk does what the gateway does for one request to a provider that refuses
// every key for too many requests at once: up to seventeen keys, one after
// another. It returns how many attempts were made.
func (b *bench) walk() (attempts int) {
	tried := map[*Key]bool{}
	for attempts < 17 {
		l, err := b.Acquire("m", func(k *Key) bool { return tried[k] })
		if err != nil {
			return attempts
		}
		attempts++
		tried[l.Key()] = true
		b.pass(time.Millisecond)
		l.Release(tooMany)
	}
	return attempts
}

func TestPool_WalkOverBusyKeysEndsByItself(t *testing.T) {
	for _, every := range []time.Duration{5 * time.Millisecond, 50 * time.Millisecond, 250 * time.Millisecond} {
		t.Run(every.String(), func(t *testing.T) {
			var ks []*Key
			for i := range 20 {
				ks = append(ks, &Key{Name: fmt.Sprint(i)})
			}
			b := newBench(RoundRobin, ks...)
			b.r = 0.5
			requests, attempts := 0, 0
			for end := b.now().Add(2 * time.Minute); b.now().Before(end); requests++ {
				attempts += b.walk()
				b.pass(every)
			}
			if most := requests * 11 / 10; attempts > most {
				t.Errorf("%d attempts for %d requests, want at most %d", attempts, requests, most)
			}
		})
	}
}

// Side by side most attempts are refused while others are under way on their
// key, which teaches a limit and rests nothing; the walks end all the same.
func TestPool_WalksOverBusyKeysSideBySideEnd(t *testing.T) {
	for _, most := range []int{0, 4} {
		t.Run(fmt.Sprintf("max_in_flight %d", most), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ks []*Key
				for i := range 20 {
					ks = append(ks, &Key{Name: fmt.Sprint(i), MaxInFlight: most})
				}
				p := New(RoundRobin, ks, Options{})
				var requests, attempts atomic.Int64
				client := func() {
					for range 120 {
						requests.Add(1)
						tried := map[*Key]bool{}
						for len(tried) < 17 {
							l, err := p.Acquire("m", func(k *Key) bool { return tried[k] })
							if err != nil {
								break
							}
							attempts.Add(1)
							tried[l.Key()] = true
							time.Sleep(100 * time.Millisecond)
							l.Release(tooMany)
						}
						time.Sleep(time.Second)
					}
				}
				for range 100 {
					go client()
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if n, most := attempts.Load(), requests.Load()*11/10; n > most {
					t.Errorf("%d attempts for %d requests, want at most %d", n, requests.Load(), most)
				}
			})
		})
	}
}

func TestKey_RefusedAlthoughNothingElseWasUnderWay(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	b.fails(t, tooMany)
	if got := b.name(); got != "b" {
		t.Errorf("after the refusal: %s, want b", got)
	}
	st := b.Snapshot(b.now())[0]
	if len(st.Rests) != 1 || st.Rests[0].Model != "m" || st.Rests[0].Class != llm.ClassConcurrency || st.Limit != 1 {
		t.Errorf("limit %d, rests %+v; want 1 and one of model m", st.Limit, st.Rests)
	}
	b.pass(time.Second)
	b.must(t, "m").Release(Outcome{})
	if st := b.Snapshot(b.now())[0]; st.Rests != nil {
		t.Errorf("after a success: %+v", st.Rests)
	}
}

func TestKey_RestOfABusyKey(t *testing.T) {
	for _, c := range []struct {
		name    string
		step    int
		r       float64
		outcome Outcome
		want    time.Duration
	}{
		{"shortest", 0, 0, tooMany, time.Second},
		{"longest", 0, 1, tooMany, 2 * time.Second},
		{"second", 1, 0.5, tooMany, 3 * time.Second},
		{"last", 9, 0, tooMany, 8 * time.Second},
		{"as long as it asks", 0, 0, Outcome{Class: llm.ClassConcurrency, WaitKnown: true, Wait: 5 * time.Second}, 5 * time.Second},
		{"but not for long", 0, 0, Outcome{Class: llm.ClassConcurrency, WaitKnown: true, Wait: time.Hour}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := restFor(c.outcome, c.step, c.r); !ok || got.length != c.want {
				t.Errorf("rests %s (%v), want %s", got.length, ok, c.want)
			}
		})
	}
}

func TestKey_TheOnlyKeyIsForgivenOneBusyAnswer(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, tooMany)
	b.pass(time.Millisecond)
	if got := b.name(); got != "a" {
		t.Errorf("after one: %s, want a", got)
	}
	b.fails(t, tooMany)
	if got, want := b.name(), "concurrency +1.001s"; got != want {
		t.Errorf("after two: %s, want %s", got, want)
	}
}

// A configured limit is not lowered by what is learned, so a key with a stream
// under way would be refused for ever.
func TestKey_ConfiguredLimitTooHighRestsTheKey(t *testing.T) {
	b := newBench(FillFirst, &Key{Name: "a", MaxInFlight: 5}, &Key{Name: "b"})
	b.must(t, "m")
	b.pass(time.Millisecond)
	b.fails(t, tooMany)
	if got := b.name(); got != "b" {
		t.Errorf("after the refusal: %s, want b", got)
	}
	b.pass(time.Second)
	if got := b.name(); got != "a" {
		t.Errorf("a second later: %s, want a", got)
	}
}

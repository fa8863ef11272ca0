package failover

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// watch is a clock that stands still until it is moved.
type watch struct{ at time.Time }

func (w *watch) now() time.Time       { return w.at }
func (w *watch) pass(d time.Duration) { w.at = w.at.Add(d) }

func newTestBudget(l Limits) (*Budget, *watch) {
	w := &watch{noon}
	return NewBudget(w.now, l), w
}

func TestBudget_FirstFailoverToAHealthyTargetIsFree(t *testing.T) {
	b, _ := newTestBudget(Limits{})
	for b.spend() {
	}
	for range 1000 {
		a := b.Request()
		if !a.NextTarget(true) {
			t.Fatal("the first failover was refused")
		}
	}
}

func TestBudget_FirstFailoverToASickTargetIsNot(t *testing.T) {
	b, _ := newTestBudget(Limits{})
	for b.spend() {
	}
	a := b.Request()
	if a.NextTarget(false) {
		t.Error("an empty budget paid for a target that is not healthy")
	}
	if !a.NextTarget(true) {
		t.Error("and the free failover was lost by asking")
	}
}

func TestBudget_ARequestAsksAtMostThreeTargets(t *testing.T) {
	b, _ := newTestBudget(Limits{})
	a := b.Request()
	for i := range 2 {
		if !a.NextTarget(true) {
			t.Fatalf("target %d was refused", i+2)
		}
	}
	if a.NextTarget(true) || a.Targets() != 3 {
		t.Errorf("a fourth target was allowed; %d asked", a.Targets())
	}
}

func TestBudget_TheSameTargetIsAskedAgainOnce(t *testing.T) {
	b, _ := newTestBudget(Limits{})
	a := b.Request()
	if !a.SameTarget() || a.SameTarget() {
		t.Error("want once, and once only")
	}
}

func TestBudget_KeysAreWalkedApartFromRetries(t *testing.T) {
	b, _ := newTestBudget(Limits{Keys: 5})
	for b.spend() {
	}
	a := b.Request()
	for i := range 5 {
		if !a.NextKey() {
			t.Fatalf("key %d was refused", i)
		}
	}
	if a.NextKey() {
		t.Error("the walk has no end")
	}
	if !a.NextTarget(true) {
		t.Error("walking keys cost the failover")
	}
}

func TestBudget_FloorIsThreeASecond(t *testing.T) {
	b, w := newTestBudget(Limits{})
	if got := b.Left(); got != 30 {
		t.Errorf("%d at rest, want 30", got)
	}
	for b.spend() {
	}
	if got := b.Left(); got != 0 {
		t.Errorf("%d after spending all", got)
	}
	w.pass(9 * time.Second)
	if got := b.Left(); got != 0 {
		t.Errorf("%d after 9 s", got)
	}
	w.pass(time.Second)
	if got := b.Left(); got != 30 {
		t.Errorf("%d after 10 s", got)
	}
}

func TestBudget_AFifthOfTheRequestsMayBeTriedAgain(t *testing.T) {
	b, w := newTestBudget(Limits{})
	for range 1000 {
		b.Request()
	}
	if got := b.Left(); got != 230 {
		t.Errorf("%d, want 200 of 1000 and the floor of 30", got)
	}
	w.pass(10 * time.Second)
	if got := b.Left(); got != 30 {
		t.Errorf("%d after the requests left the window", got)
	}
}

func TestBudget_AClockThatGoesBackChangesNothing(t *testing.T) {
	b, w := newTestBudget(Limits{})
	for range 100 {
		b.Request()
	}
	w.pass(-time.Hour)
	if got := b.Left(); got != 50 {
		t.Errorf("%d, want 50", got)
	}
}

// A model that keeps every event agrees with the ring of slots at every step.
func TestBudget_SpendsWhatAWindowOfTenSecondsAllows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		floor := rapid.IntRange(1, 5).Draw(t, "floor")
		b, w := newTestBudget(Limits{Floor: floor})
		type event struct {
			second int64
			spent  bool
		}
		var events []event
		left := func() int {
			requests, spent := 0, 0
			for _, e := range events {
				switch {
				case e.second <= w.at.Unix()-budgetSeconds:
				case e.spent:
					spent++
				default:
					requests++
				}
			}
			return max(int(float64(requests)*0.2)+floor*budgetSeconds-spent, 0)
		}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				w.pass(time.Duration(rapid.IntRange(0, 15000).Draw(t, "ms")) * time.Millisecond)
			case 1, 2, 3, 4, 5:
				b.Request()
				events = append(events, event{w.at.Unix(), false})
			default:
				before := left()
				if got := b.spend(); got != (before > 0) {
					t.Fatalf("spend gave %v with %d left", got, before)
				}
				if before > 0 {
					events = append(events, event{w.at.Unix(), true})
				}
			}
			if got := b.Left(); got != left() {
				t.Fatalf("%d left, want %d", got, left())
			}
		}
	})
}

func BenchmarkBudget(b *testing.B) {
	budget := NewBudget(time.Now, Limits{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a := budget.Request()
			a.NextTarget(true)
			a.NextTarget(true)
		}
	})
}

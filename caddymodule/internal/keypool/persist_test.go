package keypool

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestState_SurvivesARestart(t *testing.T) {
	b := newBench(FillFirst, keys("a", "spare")...)
	b.fails(t, rate(10*time.Minute))
	b.Keys()[0].State.enter("other", Outcome{Class: llm.ClassQuota, Wait: 100 * time.Hour, WaitKnown: true},
		b.now().UnixNano(), b.now().UnixNano(), 0, false)
	b.Keys()[0].State.enter("", Outcome{Class: llm.ClassPlanDead}, b.now().UnixNano(), b.now().UnixNano(), 0, false)
	b.Keys()[0].State.refused(b.now().UnixNano(), 8, b.now().UnixNano())
	saved := b.Keys()[0].State.Export(b.now())
	fresh := NewState()
	if err := fresh.Import(b.now().Add(time.Minute), saved); err != nil {
		t.Fatal(err)
	}
	want, got := b.Keys()[0].State.status(b.now()), fresh.status(b.now())
	want.Used, want.Failed, want.LastClass, want.LastError, want.LastUsed = 0, 0, 0, time.Time{}, time.Time{}
	if d := cmp.Diff(want, got, equateTimes); d != "" {
		t.Errorf("after the restart (-want +got):\n%s", d)
	}
	if len(got.Rests) != 3 || got.Limit != 6 {
		t.Errorf("%d rests, limit %d; want 3 and 6", len(got.Rests), got.Limit)
	}
}

func TestState_NothingLearnedExportsNothing(t *testing.T) {
	if data := NewState().Export(epoch); data != nil {
		t.Errorf("Export = %s, want nil", data)
	}
}

func TestState_ImportDropsWhatIsStaleOrImpossible(t *testing.T) {
	ms := func(d time.Duration) int64 { return epoch.Add(d).UnixMilli() }
	for name, test := range map[string]struct {
		data string
		want int
	}{
		"good":                    {fmt.Sprintf(`{"at":1,"rests":[{"model":"m","class":"rate_limited","due":%d,"until":%d,"since":%d}]}`, ms(time.Second), ms(time.Second), ms(-time.Second)), 1},
		"over for long":           {fmt.Sprintf(`{"at":1,"rests":[{"class":"rate_limited","due":%d,"until":%d,"since":%d}]}`, ms(-time.Hour), ms(-time.Hour), ms(-2*time.Hour)), 0},
		"from the future":         {fmt.Sprintf(`{"at":1,"rests":[{"class":"auth","due":%d,"since":%d}]}`, ms(time.Hour), ms(time.Minute)), 0},
		"due in a year":           {fmt.Sprintf(`{"at":1,"rests":[{"class":"auth","due":%d,"since":%d}]}`, ms(9000*time.Hour), ms(-time.Minute)), 0},
		"until before due":        {fmt.Sprintf(`{"at":1,"rests":[{"class":"auth","due":%d,"until":%d,"since":%d}]}`, ms(time.Hour), ms(time.Minute), ms(-time.Minute)), 0},
		"a class that rests none": {fmt.Sprintf(`{"at":1,"rests":[{"class":"transient","due":%d,"since":%d}]}`, ms(time.Hour), ms(-time.Minute)), 0},
		"an unknown class":        {fmt.Sprintf(`{"at":1,"rests":[{"class":"moody","due":%d,"since":%d}]}`, ms(time.Hour), ms(-time.Minute)), 0},
		"an absurd step":          {fmt.Sprintf(`{"at":1,"rests":[{"class":"auth","step":99,"due":%d,"since":%d}]}`, ms(time.Hour), ms(-time.Minute)), 0},
		"numbers that overflow":   {`{"at":1,"rests":[{"class":"auth","due":9223372036854775807,"since":-9223372036854775808}]}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewState()
			if err := s.Import(epoch, json.RawMessage(test.data)); err != nil {
				t.Fatal(err)
			}
			if got := len(s.status(epoch).Rests); got != test.want {
				t.Errorf("%d rests, want %d", got, test.want)
			}
		})
	}
}

func TestState_ImportKeepsWhatWasLearnedSince(t *testing.T) {
	s, old := NewState(), NewState()
	old.enter("m", rate(time.Second), 0, epoch.UnixNano(), 0, false)
	s.enter("m", rate(time.Minute), 0, epoch.UnixNano(), 0, false)
	if err := s.Import(epoch, old.Export(epoch)); err != nil {
		t.Fatal(err)
	}
	if got := s.status(epoch).Rests[0].Until; !got.Equal(epoch.Add(time.Minute)) {
		t.Errorf("rests until %s, want the younger rest's end", got)
	}
}

func TestState_OldLimitIsForgotten(t *testing.T) {
	s, old := NewState(), NewState()
	old.refused(1, 8, 1)
	if err := s.Import(epoch.Add(25*time.Hour), old.Export(epoch)); err != nil {
		t.Fatal(err)
	}
	if got := s.limit.Load(); got != 0 {
		t.Errorf("limit %d, want none", got)
	}
}

func TestState_RemembersABoundedNumberOfModels(t *testing.T) {
	s := NewState()
	now := epoch.UnixNano()
	s.enter("", Outcome{Class: llm.ClassAuth}, 0, now, 0, false)
	for i := range 10 * maxCells {
		s.enter(fmt.Sprint(i), rate(time.Duration(i+1)*time.Second), 0, now, 0, false)
	}
	if n := len(s.cells); n > maxCells {
		t.Errorf("%d cells, at most %d allowed", n, maxCells)
	}
	if s.cells[""] == nil {
		t.Error("the whole key's rest was dropped for a model's")
	}
}

func FuzzState_Import(f *testing.F) {
	old := NewState()
	old.enter("m", rate(time.Minute), 0, epoch.UnixNano(), 0, false)
	old.enter("", Outcome{Class: llm.ClassPlanDead}, 0, epoch.UnixNano(), 0, false)
	f.Add([]byte(old.Export(epoch)))
	f.Add([]byte(`{"limit":1e300,"at":-1,"rests":[{}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := NewState()
		if err := s.Import(epoch, data); err != nil {
			if s.busy.Load() != 0 || s.limit.Load() != 0 {
				t.Error("an error changed the state")
			}
			return
		}
		st, due, _ := s.look("m", epoch.UnixNano())
		if st == gated && time.Duration(due-epoch.UnixNano()) > 25*time.Hour {
			t.Errorf("a file rests a key until %s", time.Unix(0, due))
		}
		again := NewState()
		if err := again.Import(epoch, s.Export(epoch)); s.Export(epoch) != nil && err != nil {
			t.Errorf("Export does not read back: %v", err)
		}
	})
}

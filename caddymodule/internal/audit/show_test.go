package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// busy writes a log of several files: begin, and 40 events of which every
// fourth is a failed login.
func busy(t testing.TB) *Log {
	t.Helper()
	opts := options(t)
	opts.SegmentSize = 2000
	now := epoch
	opts.Now = func() time.Time { now = now.Add(time.Second); return now }
	l := mustOpen(t, opts)
	for i := range 40 {
		e := Event{Actor: "ann", Action: "keys.add", Target: fmt.Sprintf("key-%d", i)}
		switch i % 4 {
		case 0:
			e = Event{Actor: "eve", Action: "login", Target: "admin", Outcome: "denied"}
		case 1:
			e.Action = "keys.remove"
		}
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestShow_Filters(t *testing.T) {
	l := busy(t)
	for name, test := range map[string]struct {
		filter Filter
		want   int
	}{
		"everything of somebody":      {Filter{Actor: "eve"}, 10},
		"one action":                  {Filter{Action: "keys.remove"}, 10},
		"all actions that begin so":   {Filter{Action: "keys."}, 30},
		"no pattern in an action":     {Filter{Action: "keys.%"}, 0},
		"half a word is not the word": {Filter{Action: "key"}, 0},
		"one target":                  {Filter{Target: "key-7"}, 1},
		"one outcome":                 {Filter{Outcome: "denied"}, 10},
		"two at once":                 {Filter{Actor: "ann", Action: "login"}, 0},
		"from the future":             {Filter{Since: epoch.Add(time.Hour)}, 0},
		"before it began":             {Filter{Until: epoch}, 0},
		"the last of a limit":         {Filter{Limit: 3}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := Show(t.Context(), l.opts.Dir, test.filter)
			if err != nil || len(page.Records) != test.want {
				t.Errorf("%d records, %v; want %d", len(page.Records), err, test.want)
			}
		})
	}
}

func TestShow_PagesGoOverFilesNewestFirst(t *testing.T) {
	l := busy(t)
	var got []uint64
	f := Filter{Limit: 7}
	for pages := 0; ; pages++ {
		page, err := Show(t.Context(), l.opts.Dir, f)
		if err != nil || pages > 20 {
			t.Fatal(err, pages)
		}
		for _, r := range page.Records {
			got = append(got, r.Seq)
		}
		if f.Before = page.Next; f.Before == 0 {
			break
		}
	}
	var want []uint64
	for seq := l.Head().Seq; seq > 0; seq-- {
		want = append(want, seq)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("records over all pages (-want +got):\n%s", d)
	}
}

func TestShow_SkipsWhatDoesNotHoldAndSaysSo(t *testing.T) {
	opts, _, text := sample(t)
	put(t, opts, append(bytes.Replace(text, []byte("key-3"), []byte("key-9"), 1), "half a record"...))
	page, err := Show(t.Context(), opts.Dir, Filter{})
	if err != nil || page.Bad != 2 || len(page.Records) != 6 {
		t.Errorf("%d records, %d bad, %v; want 6 and 2", len(page.Records), page.Bad, err)
	}
}

func TestExport_IsACopyThatVerifies(t *testing.T) {
	l := busy(t)
	mustClose(t, l)
	for name, test := range map[string]struct{ first, last, from, to uint64 }{
		"everything":    {0, 0, 1, l.Head().Seq},
		"the beginning": {1, 9, 1, 9},
		"the middle":    {15, 30, 15, 30},
		"the end":       {30, 0, 30, l.Head().Seq},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			n, err := Export(t.Context(), l.opts.Dir, &out, test.first, test.last)
			if err != nil || n != int(test.to-test.from+1) {
				t.Fatalf("%d records, %v", n, err)
			}
			r, err := VerifyExport(&out, VerifyOptions{Keys: public})
			if err != nil || !r.OK() || r.First != test.from || r.Last != test.to {
				t.Errorf("report %+v, %v", r, err)
			}
		})
	}
}

func TestExport_SaysWhenItCannotWrite(t *testing.T) {
	l := busy(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	w.Close()
	if _, err := Export(t.Context(), l.opts.Dir, w, 0, 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

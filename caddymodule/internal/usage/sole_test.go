package usage

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawAttempt draws an attempt that says what the exchange says, or nearly so.
func drawAttempt(t *rapid.T, x *Exchange) Attempt {
	a := Attempt{Provider: x.Provider, Model: x.Model, Key: x.Key, Status: x.Status, Class: x.Class, Reason: x.Reason}
	span := func(label string) time.Duration {
		return time.Duration(rapid.Int64Range(0, 9_000_000).Draw(t, label)) * time.Microsecond
	}
	a.Dialect = rapid.SampledFrom([]string{"", "anthropic", "openai"}).Draw(t, "dialect of the attempt")
	a.Start, a.TTFT, a.Duration = span("start of the attempt"), span("ttft of the attempt"), span("duration of the attempt")
	if rapid.Bool().Draw(t, "differs") {
		other := rapid.SampledFrom([]*string{&a.Provider, &a.Model, &a.Key, &a.Class, &a.Reason, &a.Code}).Draw(t, "where")
		*other = "other"
	}
	if rapid.IntRange(0, 5).Draw(t, "another status") == 0 {
		a.Status = 0
	}
	if rapid.IntRange(0, 5).Draw(t, "waits") == 0 {
		a.Wait = time.Second
	}
	return a
}

func TestExchange_AttemptsComeBackAsTheyWereMadeWhereverTheyAreKept(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		o := quiet(filepath.Join(dir, fmt.Sprint(n)))
		o.pragma = "synchronous(off)"
		l, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close(context.Background())
		all := rapid.SliceOfN(rapid.Custom(drawExchange), 1, 12).Draw(t, "exchanges")
		for i := range all {
			x := &all[i]
			x.ID, x.Start, x.Status, x.Attempts = fmt.Sprintf("req_%020d", i), x.Start.UTC(), 200, nil
			for range rapid.SampledFrom([]int{0, 1, 1, 1, 2}).Draw(t, "attempts") {
				x.Attempts = append(x.Attempts, drawAttempt(t, x))
			}
			l.Record(*x)
		}
		r, err := l.Reader(context.Background())
		if err == nil {
			err = l.Flush(context.Background())
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range all {
			got, err := r.Exchange(context.Background(), want.ID)
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Fatalf("%v (-want +got)\n%s", err, d)
			}
		}
	})
}

func TestRows_OnlyAttemptThatSaysNothingElseHasNoRowOfItsOwn(t *testing.T) {
	alike := func() Exchange {
		return Exchange{ID: "req_1", Start: noon, Provider: "zai", Model: "glm", Key: "main", Status: 200, Class: "ok", Reason: "ok",
			Attempts: []Attempt{{Provider: "zai", Model: "glm", Key: "main", Status: 200, Class: "ok", Reason: "ok", Dialect: "openai", Start: time.Millisecond}}}
	}
	for _, c := range []struct {
		name   string
		change func(x *Exchange)
		want   int64
	}{
		{"alike", func(*Exchange) {}, 0},
		{"none", func(x *Exchange) { x.Attempts = nil }, 0},
		{"a wait below a microsecond, which is not kept", func(x *Exchange) { x.Attempts[0].Wait = 1 }, 0},
		{"another provider", func(x *Exchange) { x.Attempts[0].Provider = "cerebras" }, 1},
		{"another model", func(x *Exchange) { x.Attempts[0].Model = "gpt" }, 1},
		{"another key", func(x *Exchange) { x.Attempts[0].Key = "spare" }, 1},
		{"another status", func(x *Exchange) { x.Attempts[0].Status = 0 }, 1},
		{"another class", func(x *Exchange) { x.Class = "canceled" }, 1},
		{"another reason", func(x *Exchange) { x.Reason = "cut" }, 1},
		{"a code", func(x *Exchange) { x.Attempts[0].Code = "1302" }, 1},
		{"a wait", func(x *Exchange) { x.Attempts[0].Wait = time.Second }, 1},
		{"two", func(x *Exchange) { x.Attempts = append(x.Attempts, x.Attempts[0]) }, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := open(t, quiet(tempPath(t)))
			x := alike()
			c.change(&x)
			attempts := len(x.Attempts)
			record(t, l, x)
			if n, err := l.keeper.db.number("SELECT count(*) FROM attempts"); n != c.want || err != nil {
				t.Errorf("%d rows of attempts, want %d (%v)", n, c.want, err)
			}
			if got, err := readerOf(t, l).Exchange(t.Context(), x.ID); len(got.Attempts) != attempts || err != nil {
				t.Errorf("%d attempts read, want %d (%v)", len(got.Attempts), attempts, err)
			}
		})
	}
}

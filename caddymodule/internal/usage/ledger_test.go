package usage

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

func TestLedger_ExchangeComesBackAsItWasRecorded(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	want := sample(8, noon.Add(123*time.Microsecond))
	want.Agent = "sub"
	record(t, l, want)
	got, err := readerOf(t, l).Exchange(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if _, err := readerOf(t, l).Exchange(t.Context(), "req_none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown id: %v, want ErrNotFound", err)
	}
}

func TestFromRecord_TakesOverEveryFigure(t *testing.T) {
	r := gateway.Record{
		ID: "req_1", Start: noon, Client: "ann", Team: "web", Dialect: llm.Anthropic, Call: "/v1/messages", Model: "coder",
		Stream: true, Session: "s", Agent: "a", Provider: "zai", Target: "glm-5.2",
		Usage:     llm.Usage{Input: 100, Output: 20, CacheRead: 60, CacheWrite: 10, Reasoning: 5, Known: true},
		Estimated: true, Cost: 42, TTFT: 300 * time.Millisecond, Duration: 1300 * time.Millisecond, Status: 200,
		Class: llm.ClassNone, Reason: "ok", BytesIn: 1000, Bytes: 2000,
		Attempts: []gateway.Attempt{
			{Provider: "cerebras", Model: "gpt-oss-120b", Key: "spare", Dialect: llm.OpenAI, Duration: time.Millisecond, Status: 429,
				Class: llm.ClassRate, Reason: "rate_limited", Code: "wrong", Message: "kept from the ledger", Wait: time.Second},
			{Provider: "zai", Model: "glm-5.2", Key: "main", Dialect: llm.Anthropic, Start: time.Millisecond, TTFT: 299 * time.Millisecond, Status: 200, Reason: "ok"},
		},
	}
	want := Exchange{
		ID: "req_1", Start: noon, Client: "ann", Team: "web", Dialect: "anthropic", Call: "/v1/messages", Alias: "coder", Stream: true,
		Session: "s", Agent: "a", Provider: "zai", Model: "glm-5.2", Key: "main", Status: 200, Class: "ok", Reason: "ok",
		Input: 100, Output: 20, CacheRead: 60, CacheWrite: 10, Reasoning: 5, Estimated: true, Cost: 42, BytesIn: 1000, BytesOut: 2000,
		TTFT: 300 * time.Millisecond, Duration: 1300 * time.Millisecond,
		Attempts: []Attempt{
			{Provider: "cerebras", Model: "gpt-oss-120b", Key: "spare", Dialect: "openai", Duration: time.Millisecond, Status: 429,
				Class: "rate_limited", Reason: "rate_limited", Code: "wrong", Wait: time.Second},
			{Provider: "zai", Model: "glm-5.2", Key: "main", Dialect: "anthropic", Start: time.Millisecond, TTFT: 299 * time.Millisecond, Status: 200, Class: "ok", Reason: "ok"},
		},
	}
	got := FromRecord(&r)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got := got.TokensPerSecond(); got != 20 {
		t.Errorf("%v tokens/s, want 20", got)
	}
	r.Provider, r.Target, r.Class = "", "", llm.ClassRate
	if got := FromRecord(&r); got.Provider != "zai" || got.Model != "glm-5.2" || !got.Failed() {
		t.Errorf("without an answer: %s/%s, failed %v; want the last attempt's, failed", got.Provider, got.Model, got.Failed())
	}
}

func TestLedger_AnswersWhileItIsOpenAndAfterItWasClosed(t *testing.T) {
	o := quiet(tempPath(t))
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if l.Record(Exchange{ID: "one", Start: noon, Class: "ok"}); !l.Health().Found.New {
		t.Error("a new file is not said to be new")
	}
	closing(t, l)
	if l.Record(Exchange{ID: "late"}) || l.Health().Dropped != 1 {
		t.Errorf("a closed ledger took an exchange, or did not count it: %+v", l.Health())
	}
	if err := l.Flush(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Flush of a closed ledger: %v", err)
	}
	r, err := OpenReader(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := totals(t, r, Query{}).Total.Requests; got != 1 {
		t.Errorf("%d requests after closing, want 1", got)
	}
	again := open(t, o)
	if f := again.Health().Found; f.New || f.Unclean || f.String() != "" || again.Health().Rows != 1 {
		t.Errorf("after a proper end, opening found %+v, %d rows", f, again.Health().Rows)
	}
}

func TestStart_OpensTheFileOnlyWhenItIsNeeded(t *testing.T) {
	o := quiet(tempPath(t))
	o.Delay = time.Hour
	l, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	if exists(o.Path) || l.Health().Open {
		t.Error("Start opened the file")
	}
	record(t, l, sample(1, noon))
	if got := totals(t, readerOf(t, l), Query{}).Total.Requests; got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
}

func TestLedger_CloseGivesUpWhenItsContextEnds(t *testing.T) {
	l, err := Open(quiet(tempPath(t)))
	if err != nil {
		t.Fatal(err)
	}
	release := holdWriter(&l.keeper)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.Record(sample(1, noon))
	l.Record(sample(2, noon))
	if err := l.Close(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "2 rows are not written yet") {
		t.Errorf("Close: %v, want it to give up, and say what is left", err)
	}
	release()
	closing(t, l)
}

func TestLedger_FullQueueDropsAndSaysHowMany(t *testing.T) {
	o := quiet(tempPath(t))
	o.Queue = 10
	l := open(t, o)
	release := holdWriter(&l.keeper)
	for i := range 15 {
		if took := l.Record(sample(i, noon)); took != (i < 10) {
			t.Errorf("exchange %d: taken %v", i, took)
		}
	}
	if h := l.Health(); h.Pending != 10 || h.Dropped != 5 {
		t.Errorf("%+v, want 10 pending and 5 dropped", h)
	}
	if ok, text := l.Health().OK(); ok || text == "" {
		t.Errorf("health is well (%q) with dropped rows", text)
	}
	release()
	flush(t, l)
	notes, err := readerOf(t, l).Notes(t.Context(), time.Time{}, 0)
	want := []Note{{At: noon.Local(), Kind: NoteDropped, Count: 5}}
	if d := cmp.Diff(want, notes); d != "" || err != nil {
		t.Errorf("notes %v (-want +got)\n%s", err, d)
	}
	if got := totals(t, readerOf(t, l), Query{}).Total.Requests; got != 10 {
		t.Errorf("%d rows, want the 10 that were taken", got)
	}
}

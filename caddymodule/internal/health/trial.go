package health

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Trial is one attempt at a target, under way. It must be ended.
type Trial struct {
	state       *State
	begun       int64
	promptBytes int
	inFlight    int // when it set out, itself included
	probe       bool
	whole       bool // the answer comes in one piece
	waits       bool // in the queue
	ended       bool
	first       time.Duration
	prev, next  *Trial
}

// Outcome is how an attempt ended.
type Outcome struct {
	// Class is why it failed; llm.ClassNone: it did not.
	Class llm.Class
	// Broke says that its connection was lost under way. Attempts that lose
	// theirs together count as one against the target.
	Broke bool
	// Tokens is how many tokens came out; 0: not known.
	Tokens int
	// Duration is how long the whole attempt took. 0: until now.
	Duration time.Duration
}

// Begin notes that an attempt with a prompt of promptBytes sets out. probe is
// what Allow said.
func (s *State) Begin(promptBytes int, probe bool) *Trial {
	now := s.now().UnixNano()
	t := &Trial{state: s, begun: now, promptBytes: promptBytes, probe: probe}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight++
	t.inFlight = s.inFlight
	s.lastUsed = now
	s.waiting.push(t)
	return t
}

// Whole says that the answer will come in one piece, not as a stream, so that
// its first byte says nothing about the first token. It is called before
// FirstByte.
func (t *Trial) Whole() {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	t.whole = true
}

// FirstByte notes that the answer's first content came d after the attempt
// set out. The target is alive: a probe closes the breaker. Later calls do
// nothing.
func (t *Trial) FirstByte(d time.Duration) {
	s := t.state
	now := s.now().UnixNano()
	s.mu.Lock()
	if t.ended || t.first > 0 {
		s.mu.Unlock()
		return
	}
	t.first = max(d, time.Millisecond) // nothing is faster: keeps ratios sane
	s.waiting.remove(t)
	s.speed.load += down * (float64(t.inFlight) - s.speed.load)
	if !t.whole {
		s.speed.first[bucketOf(t.promptBytes)].add(float64(t.first), now)
		s.recent.first(t.first, now)
	}
	before := s.breaker.phase
	s.breaker.answered(t.probe, now)
	after := s.breaker.phase
	s.mu.Unlock()
	s.tell(before, after)
}

// End records how the attempt ended. Later calls do nothing.
func (t *Trial) End(o Outcome) {
	s := t.state
	now := s.now().UnixNano()
	s.mu.Lock()
	if t.ended {
		s.mu.Unlock()
		return
	}
	t.ended = true
	s.inFlight--
	s.waiting.remove(t)
	before := s.breaker.phase
	s.learn(t, o, now)
	after := s.breaker.phase
	s.mu.Unlock()
	s.tell(before, after)
}

// learn takes what the end of an attempt teaches.
func (s *State) learn(t *Trial, o Outcome, now int64) {
	total := o.Duration
	if total <= 0 {
		total = time.Duration(now - t.begun)
	}
	v := judge(o.Class)
	switch {
	case v == good && t.whole:
		s.speed.whole(t.promptBytes, o.Tokens, total, now)
	case v == good && t.first > 0:
		s.speed.streamed(o.Tokens, total-t.first, now)
	case v == bad:
		s.lastFail, s.failedAt = o.Class, now
		s.censored(t, total, now)
	}
	if v != neutral {
		s.recent.ended(v == bad, now)
	}
	s.breaker.ended(ending{verdict: verdictOf(o.Class, t.probe), probe: t.probe, broke: o.Broke, begun: t.begun, now: now})
}

// verdictOf is judge, but a probe that met a client's fault has shown that the
// target answers.
func verdictOf(c llm.Class, probe bool) verdict {
	if probe && c.ClientFault() {
		return good
	}
	return judge(c)
}

// censored learns from an attempt that failed before its first byte: if it had
// waited longer than was to be expected, the time to the first byte is at
// least that long. A quick failure says nothing about speed.
func (s *State) censored(t *Trial, waited time.Duration, now int64) {
	if t.first > 0 || t.whole {
		return
	}
	expected, known := s.speed.ttft(t.promptBytes, now)
	if known && float64(waited) > expected {
		s.speed.first[bucketOf(t.promptBytes)].add(float64(waited), now)
	}
}

// queue holds the trials that wait for their first byte, oldest first. The
// State's lock guards it.
type queue struct {
	head, tail *Trial
	n          int
}

func (q *queue) push(t *Trial) {
	t.waits, t.prev = true, q.tail
	if q.tail != nil {
		q.tail.next = t
	} else {
		q.head = t
	}
	q.tail = t
	q.n++
}

func (q *queue) remove(t *Trial) {
	if !t.waits {
		return
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		q.head = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	} else {
		q.tail = t.prev
	}
	t.waits, t.prev, t.next = false, nil, nil
	q.n--
}

// forgotten is the age at which a waiting trial is taken for a leak.
const forgotten = 10 * time.Minute

// longAnswer is how many tokens a whole answer may have before its being late
// means anything.
const longAnswer = 2000

// slowness returns by what factor the target is seen to be slower than its
// estimates, from those still waiting: it need not be waited for that the
// first late answer comes. It is at least 1. The oldest eighth is taken for
// outliers.
func (q *queue) slowness(s *speed, now int64) float64 {
	t := q.head
	for range min(q.n/8, 16) {
		t = t.next
	}
	if t == nil || now-t.begun > int64(forgotten) {
		return 1
	}
	expected, known := s.ttft(t.promptBytes, now)
	if !known || expected <= 0 {
		return 1
	}
	if t.whole {
		expected += s.stream(longAnswer, now)
	}
	return max(1, float64(now-t.begun)/expected)
}

package simulator

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Selector picks requests; every field that is set must fit. The zero Selector picks all.
type Selector struct {
	Key     string
	Model   string
	Dialect string // chat, messages, responses
	Path    string // how the path ends, such as /models
	Stream  *bool
	// Header holds headers the request must have; an empty value asks for presence only.
	Header map[string]string
}

func (sel Selector) matches(r *Record) bool {
	switch {
	case sel.Key != "" && sel.Key != r.Key,
		sel.Model != "" && sel.Model != r.Model,
		sel.Dialect != "" && sel.Dialect != r.Dialect,
		sel.Path != "" && !strings.HasSuffix(r.Path, sel.Path),
		sel.Stream != nil && *sel.Stream != r.Stream:
		return false
	}
	for name, want := range sel.Header {
		got, ok := r.Header[http.CanonicalHeaderKey(name)]
		if !ok || want != "" && got[0] != want {
			return false
		}
	}
	return true
}

// Step is what happens to one request that a script picked. With nothing set the request is answered normally, so a
// script can say: twice 429, then well.
type Step struct {
	// Fault is what goes wrong.
	Fault Fault
	// Times is how many requests the step lasts. Default: 1.
	Times int
	// Forever keeps the step for all later requests.
	Forever bool
	// Answer, when set, is sent instead of anything the simulator would say.
	Answer *Answer
	// Text replaces the words of the answer.
	Text string
}

// Answer is a literal response, for replaying a transcript.
type Answer struct {
	Status int // Default: 200.
	Header http.Header
	// Pieces are written and flushed one by one, with Every between them.
	Pieces [][]byte
	Every  time.Duration
}

// Fail returns a step with the fault that the grammar of the package comment spells. It panics on a mistake in the
// spelling, for it is meant for scripts written down in tests; ParseFault returns an error instead.
func Fail(fault string) Step {
	f, err := ParseFault(fault)
	if err != nil {
		panic(err)
	}
	return Step{Fault: f}
}

// Reply returns a step with a literal response in one piece.
func Reply(status int, contentType, body string) Step {
	return Step{Answer: &Answer{
		Status: status,
		Header: http.Header{"Content-Type": {contentType}},
		Pieces: [][]byte{[]byte(body)},
	}}
}

// rule is a script with its position.
type rule struct {
	sel   Selector
	steps []Step
	used  int // requests that steps[0] has served
}

// script holds the rules in the order they were given; the first that picks a request and has a step left decides.
type script struct {
	mu    sync.Mutex
	rules []*rule
}

func (sc *script) add(sel Selector, steps []Step) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.rules = append(sc.rules, &rule{sel: sel, steps: append([]Step(nil), steps...)})
}

func (sc *script) clear() {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.rules = nil
}

// next returns the step for r and uses it up; ok is false when no rule has one.
func (sc *script) next(r *Record) (step Step, ok bool) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	for _, rule := range sc.rules {
		if len(rule.steps) > 0 && rule.sel.matches(r) {
			return rule.take(), true
		}
	}
	return Step{}, false
}

func (r *rule) take() Step {
	step := r.steps[0]
	if step.Forever {
		return step
	}
	if r.used++; r.used >= max(1, step.Times) {
		r.steps, r.used = r.steps[1:], 0
	}
	return step
}

// Script says what happens to the requests that sel picks: the steps are used up in order, and afterwards the requests
// are answered normally again. Scripts given earlier come first. Safe to call while requests are served.
func (s *Server) Script(sel Selector, steps ...Step) { s.script.add(sel, steps) }

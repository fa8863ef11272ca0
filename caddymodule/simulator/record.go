package simulator

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Record is one request as it arrived, byte for byte, and what became of it.
type Record struct {
	// Number counts the server's requests from 1; it is the middle part of the words of the answer.
	Number int
	Time   time.Time
	Method string
	Path   string
	Query  string
	Host   string
	Proto  string
	// Header is a copy of the request's header.
	Header http.Header
	// Body is the request body exactly as sent, before any decompression.
	Body []byte
	// Key is the API key, whichever header it came in.
	Key string
	// BothKeys says that Authorization and x-api-key were sent together, which a gateway must never do.
	BothKeys bool
	Model    string
	// Dialect is chat, messages or responses, also for the token counts of the two latter, or "" for other paths.
	Dialect string
	Stream  bool
	// Fault is what was done instead of a plain answer, in the grammar of the package comment, or "".
	Fault string
	// Status is the HTTP status that was sent, 0 when none was.
	Status int
	// Used is what the answer says it took: zero when it says nothing, or was not sent whole.
	Used Usage
	// Done says that the handler is through with the request.
	Done bool
	// Canceled says that the client went away before the answer was complete, CanceledAt when that was noticed.
	Canceled   bool
	CanceledAt time.Time
}

// journal keeps the newest records, in order of arrival.
type journal struct {
	mu       sync.Mutex
	max      int // records
	maxBytes int // of all bodies
	records  []*Record
	bytes    int // of all bodies
	changed  chan struct{}
}

// add stores r, dropping the oldest when the journal is full or heavy.
func (j *journal) add(r *Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.records) > 0 && (len(j.records) >= j.max || j.bytes+len(r.Body) > j.maxBytes) {
		j.forget(max(1, len(j.records)/4))
	}
	j.bytes += len(r.Body)
	j.records = append(j.records, r)
	j.notify()
}

// forget drops the n oldest records: a quarter at a time, so that a full journal does not move all for each request.
func (j *journal) forget(n int) {
	for _, r := range j.records[:n] {
		j.bytes -= len(r.Body)
	}
	left := copy(j.records, j.records[n:])
	clear(j.records[left:])
	j.records = j.records[:left]
}

// update changes a stored record.
func (j *journal) update(r *Record, change func(*Record)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(r)
	j.notify()
}

// notify wakes Await; the caller holds the lock.
func (j *journal) notify() {
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

func (j *journal) snapshot() ([]Record, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	out := make([]Record, len(j.records))
	for i, r := range j.records {
		out[i] = *r
	}
	return out, j.changed
}

// Requests returns the recorded requests, oldest first. The bodies and headers are shared, not to be changed.
func (s *Server) Requests() []Record {
	out, _ := s.journal.snapshot()
	return out
}

// Count returns how many of the recorded requests every selector picks. Without a selector it counts all requests since
// New or Reset, also those no longer kept.
func (s *Server) Count(selectors ...Selector) int {
	if len(selectors) == 0 {
		return int(s.total.Load())
	}
	n := 0
	for _, r := range s.Requests() {
		if matchAll(selectors, &r) {
			n++
		}
	}
	return n
}

// Await blocks until done likes the recorded requests, which it is shown now and after every change, or until ctx ends;
// then it returns the cause.
func (s *Server) Await(ctx context.Context, done func([]Record) bool) error {
	for {
		records, changed := s.journal.snapshot()
		if done(records) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func matchAll(selectors []Selector, r *Record) bool {
	for _, sel := range selectors {
		if !sel.matches(r) {
			return false
		}
	}
	return true
}

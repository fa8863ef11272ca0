package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// watcher is a RoundTripper that reads along with every stream: when its first content came, how many pieces of content
// it had, and whether it came to its proper end. It is safe for concurrent use.
type watcher struct {
	next  http.RoundTripper
	words int       // pieces of content that a whole stream has at least
	from  time.Time // streams that begin earlier do not count for the time to the first content

	mu         sync.Mutex
	ttft       histogram
	broken     int
	why        error // of the first broken stream
	open, most int   // streams now, and the most at once
}

// RoundTrip passes the request on and watches the body of a good answer.
func (w *watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	answer, err := w.next.RoundTrip(r)
	if err == nil && answer.StatusCode == http.StatusOK {
		w.opened()
		answer.Body = &watchedBody{ReadCloser: answer.Body, w: w, began: began}
	}
	return answer, err
}

func (w *watcher) opened() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	w.most = max(w.most, w.open)
}

func (w *watcher) closed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
}

// note records a stream that ended.
func (w *watcher) note(b *watchedBody, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		if !b.began.Before(w.from) {
			w.ttft.add(b.ttft)
		}
		return
	}
	w.broken++
	if w.why == nil {
		w.why = err
	}
}

type watchedBody struct {
	io.ReadCloser
	w     *watcher
	began time.Time
	ttft  time.Duration
	scan  streamScan
	done  bool
	shut  sync.Once
}

// Close ends the stream.
func (b *watchedBody) Close() error {
	b.shut.Do(b.w.closed)
	return b.ReadCloser.Close()
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.scan.write(p[:n])
	if b.ttft == 0 && b.scan.pieces > 0 {
		b.ttft = time.Since(b.began)
	}
	// Other errors are the load generator's to count.
	if errors.Is(err, io.EOF) && !b.done {
		b.done = true
		b.w.note(b, b.scan.verdict(b.w.words))
	}
	return n, err
}

// streamScan counts what passes in a stream of any dialect. It looks at lines, whole or in pieces; this is enough for
// the simulator's regular events and costs the load generator little.
type streamScan struct {
	pieces int  // events with content
	ended  bool // the dialect's terminal event has come
	failed bool // an error event has come
	line   []byte
}

var (
	dataField    = []byte("data: ")
	chatEnd      = []byte("data: [DONE]")
	messagesEnd  = []byte(`{"type":"message_stop"`)
	messagesText = []byte(`{"type":"content_block_delta"`)
	chatText     = []byte(`"delta":{"content":"`)
	errorEvent   = []byte(`{"type":"error"`)
	chatError    = []byte(`{"error":`)

	responsesEnd    = []byte(`{"type":"response.completed"`)
	responsesText   = []byte(`{"type":"response.output_text.delta"`)
	responsesFailed = []byte(`{"type":"response.failed"`)
)

func (s *streamScan) write(p []byte) {
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.line = append(s.line, p...)
			return
		}
		line := p[:i]
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line = s.line
		}
		s.look(bytes.TrimSuffix(line, []byte("\r")))
		s.line = s.line[:0]
		p = p[i+1:]
	}
}

func (s *streamScan) look(line []byte) {
	data, ok := bytes.CutPrefix(line, dataField)
	switch {
	case !ok:
	case bytes.Equal(line, chatEnd) || bytes.HasPrefix(data, messagesEnd) || bytes.HasPrefix(data, responsesEnd):
		s.ended = true
	case bytes.HasPrefix(data, errorEvent) || bytes.HasPrefix(data, chatError) || bytes.HasPrefix(data, responsesFailed):
		s.failed = true
	case bytes.HasPrefix(data, messagesText) || bytes.HasPrefix(data, responsesText):
		s.pieces++
	default:
		if i := bytes.Index(data, chatText); i >= 0 && !bytes.HasPrefix(data[i+len(chatText):], []byte(`"`)) {
			s.pieces++
		}
	}
}

// verdict returns what was wrong with a stream that is over, nil for nothing.
func (s *streamScan) verdict(words int) error {
	switch {
	case s.failed:
		return errors.New("a stream ended with an error event")
	case !s.ended:
		return fmt.Errorf("a stream ended after %d pieces without its terminal event", s.pieces)
	case s.pieces < words:
		return fmt.Errorf("a stream had %d pieces of content instead of %d", s.pieces, words)
	}
	return nil
}

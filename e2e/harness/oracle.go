package harness

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
)

// Answer is all that a client saw of an answer.
type Answer struct {
	Dialect Dialect
	Status  int // 0: none came
	Header  http.Header
	Body    []byte  // of an answer in one piece
	Events  []Event // of a stream
	Err     error   // the connection's, not the protocol's
	// Headers is how long the header took, First the first event, Took all of it.
	Headers, First, Took time.Duration

	begun time.Time
}

func (a *Answer) streams() bool {
	return strings.HasPrefix(a.Header.Get("Content-Type"), "text/event-stream")
}

// Outcome is how a request ended for its client.
type Outcome string

// The outcomes. An error of status n is ERR n.
const (
	OK  Outcome = "OK"  // a whole answer
	EVT Outcome = "EVT" // a stream ended by the dialect's error event
)

// ERR is the outcome of an error in the dialect's form, with that status.
func ERR(status int) Outcome { return Outcome(fmt.Sprintf("ERR %d", status)) }

// Outcome judges the answer. words is how many marked words a whole one has; 0
// leaves them uncounted. What is neither whole, nor an error, nor ended by an
// error event is lost, and the outcome says why.
func (a *Answer) Outcome(words int) Outcome {
	out, err := a.judge(words)
	if err != nil {
		return Outcome("LOST: " + err.Error())
	}
	return out
}

func (a *Answer) judge(words int) (Outcome, error) {
	switch {
	case a.Status == 0:
		return "", fmt.Errorf("no answer: %w", a.Err)
	case a.Status != http.StatusOK:
		return ERR(a.Status), a.checkError()
	case a.Err != nil:
		return "", fmt.Errorf("the connection broke: %w", a.Err)
	}
	seen, err := a.Transcript()
	if err != nil {
		return "", err
	}
	if a.streams() {
		end, err := a.ending()
		if err != nil || end == EVT {
			return end, err
		}
	} else if !json.Valid(a.Body) {
		return "", fmt.Errorf("the body is no JSON: %.80q", a.Body)
	}
	if words > 0 && seen.Words != words {
		return "", fmt.Errorf("%d of %d words", seen.Words, words)
	}
	return OK, nil
}

// Transcript checks the marked words: one origin, no gap, no duplicate.
func (a *Answer) Transcript() (simulator.Transcript, error) {
	return simulator.CheckTranscript(a.Text())
}

// wireError is an error in either of the two forms.
type wireError struct {
	Type  string
	Error *struct {
		Type, Message string
	}
}

// checkError wants the error in the dialect's form.
func (a *Answer) checkError() error {
	var e wireError
	switch err := json.Unmarshal(a.Body, &e); {
	case err != nil:
		return fmt.Errorf("status %d with a body that is no JSON: %.80q", a.Status, a.Body)
	case e.Error == nil || e.Error.Message == "" || e.Error.Type == "":
		return fmt.Errorf("status %d with a body that is no error: %.200s", a.Status, a.Body)
	case (a.Dialect == Messages) != (e.Type == "error"):
		return fmt.Errorf("status %d in the other dialect's form: %.200s", a.Status, a.Body)
	}
	return nil
}

// Message returns the message of an error, in one piece or as an event.
func (a *Answer) Message() string {
	data := a.Body
	if n := len(a.Events); n > 0 {
		data = []byte(a.Events[n-1].Data)
	}
	var e struct {
		Message  string
		Error    struct{ Message string }
		Response struct{ Error struct{ Message string } }
	}
	_ = json.Unmarshal(data, &e)
	return e.Error.Message + e.Response.Error.Message + e.Message
}

// ending tells how a stream ended: by its terminal event or by an error event,
// with nothing after either.
func (a *Answer) ending() (Outcome, error) {
	var end Outcome
	for i, ev := range a.Events {
		if end != "" {
			return "", fmt.Errorf("%s after the end", ev.kind())
		}
		switch kind := ev.kind(); {
		case kind == "[DONE]", kind == "message_stop", kind == "response.completed", kind == "response.incomplete":
			end = OK
		case kind == "error", kind == "response.failed":
			end = EVT
		case kind == "":
			return "", fmt.Errorf("event %d is nothing known: %.120s", i, ev.Data)
		}
	}
	if end == "" {
		return "", fmt.Errorf("the stream ended in silence after %d events", len(a.Events))
	}
	return end, a.inOrder()
}

// inOrder wants contiguous sequence numbers of Responses and one beginning of
// Messages. A failure that the gateway reports in a stream it only passed on
// has the highest number there is: it did not count the events before.
func (a *Answer) inOrder() error {
	starts := 0
	for i, ev := range a.Events {
		var e struct {
			SequenceNumber *int `json:"sequence_number"`
		}
		_ = json.Unmarshal([]byte(ev.Data), &e)
		last := ev.kind() == "response.failed" && e.SequenceNumber != nil && *e.SequenceNumber == math.MaxInt32
		if a.Dialect == Responses && !last && (e.SequenceNumber == nil || *e.SequenceNumber != i) {
			return fmt.Errorf("event %d has another sequence number: %.120s", i, ev.Data)
		}
		if ev.kind() == "message_start" {
			starts++
		}
	}
	if a.Dialect == Messages && starts > 1 {
		return fmt.Errorf("%d beginnings", starts)
	}
	return nil
}

// kind names an event: its type, chunk for Chat's, [DONE], or error.
func (e Event) kind() string {
	if e.Data == "[DONE]" {
		return e.Data
	}
	var body struct {
		Type, Object string
		Error        json.RawMessage
		Choices      []json.RawMessage
	}
	_ = json.Unmarshal([]byte(e.Data), &body)
	switch {
	case body.Type != "":
		return body.Type
	case len(body.Error) > 0 && string(body.Error) != "null":
		return "error"
	case body.Object == "chat.completion.chunk", body.Choices != nil: // Z.AI's have no object
		return "chunk"
	}
	return e.Name
}

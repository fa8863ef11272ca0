package harness

import (
	"bufio"
	"io"
	"strings"
)

// Event is one event of a text/event-stream.
type Event struct {
	Name, Data string
}

// eventReader reads events as a client does, on its own terms: the gateway's
// reader must not judge the gateway's writer. Gateways write LF; comments are
// skipped.
type eventReader struct{ in *bufio.Reader }

func newEventReader(r io.Reader) *eventReader { return &eventReader{bufio.NewReaderSize(r, 64<<10)} }

// next returns the next event that has data. An event cut off by the end of the
// stream is none, as the standard says.
func (r *eventReader) next() (Event, error) {
	var ev Event
	var data []string
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return Event{}, err
		}
		line = strings.TrimRight(line, "\r\n")
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && len(data) > 0:
			ev.Data = strings.Join(data, "\n")
			return ev, nil
		case line == "":
			ev = Event{}
		case field == "event":
			ev.Name = value
		case field == "data":
			data = append(data, value)
		}
	}
}

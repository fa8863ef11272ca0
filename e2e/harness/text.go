package harness

import (
	"encoding/json"
	"strings"
)

// whole holds the text of an answer in one piece, in any dialect.
type whole struct {
	Choices []struct{ Message struct{ Content string } }
	Content []struct{ Type, Text string }
	Output  []struct {
		Type    string
		Content []struct{ Type, Text string }
	}
}

// Text returns what the model said, without its thoughts.
func (a *Answer) Text() string {
	if a.Body == nil {
		return a.streamed()
	}
	var w whole
	_ = json.Unmarshal(a.Body, &w)
	var b strings.Builder
	for _, c := range w.Choices {
		b.WriteString(c.Message.Content)
	}
	for _, c := range w.Content {
		b.WriteString(c.Text)
	}
	for _, o := range w.Output {
		for _, c := range o.Content {
			if c.Type == "output_text" {
				b.WriteString(c.Text)
			}
		}
	}
	return b.String()
}

// piece holds the text of an event, in any dialect.
type piece struct {
	Type    string
	Choices []struct{ Delta struct{ Content string } }
	Delta   json.RawMessage
}

// streamed joins the text of a stream's events.
func (a *Answer) streamed() string {
	var b strings.Builder
	for _, ev := range a.Events {
		var p piece
		_ = json.Unmarshal([]byte(ev.Data), &p)
		for _, c := range p.Choices {
			b.WriteString(c.Delta.Content)
		}
		switch p.Type {
		case "content_block_delta":
			var d struct{ Text string }
			_ = json.Unmarshal(p.Delta, &d)
			b.WriteString(d.Text)
		case "response.output_text.delta":
			var d string
			_ = json.Unmarshal(p.Delta, &d)
			b.WriteString(d)
		}
	}
	return b.String()
}

// JSON returns the body of an answer in one piece, nil when it is no JSON object.
func (a *Answer) JSON() map[string]any {
	var out map[string]any
	_ = json.Unmarshal(a.Body, &out)
	return out
}

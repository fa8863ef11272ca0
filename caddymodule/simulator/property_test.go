package simulator

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// folded is an answer without its dialect.
type folded struct {
	thought, text, args string
	stop                string
	usage               string
}

// The events of a stream add up to the answer in one piece, whatever is asked.
func TestServer_StreamFoldsToTheWholeAnswer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		said := rapid.SampledFrom([]string{"hi", `call:a {"x":"\u00e9\n\\"} call:b`, "say:Grüße, 世界! call:b", `say:"quoted" \back`, "call:c \"*** raw\\n\"", ""}).Draw(rt, "said")
		rest := rapid.SampledFrom([]string{"", "thinking"}).Draw(rt, "thinking")
		limit := rapid.IntRange(0, 40).Draw(rt, "limit")
		for _, path := range dialectPaths {
			whole, stream := ask2(t, path, said, rest, limit)
			var a, b folded
			switch path {
			case messagesPath:
				a, b = foldMessage(whole), foldMessageStream(t, stream)
			case chatPath:
				a, b = foldChat(whole), foldChatStream(t, stream)
			default:
				_, data := events(t, stream)
				var last struct{ Response json.RawMessage }
				json.Unmarshal([]byte(data[len(data)-1]), &last)
				a, b = folded{text: whole}, folded{text: string(last.Response)}
			}
			if a != b {
				rt.Fatalf("%s %q %d\nwhole  %+v\nstream %+v", path, said, limit, a, b)
			}
		}
	})
}

// ask2 asks the same in one piece and as a stream.
func ask2(t *testing.T, path, said, thinking string, limit int) (whole, stream string) {
	text, _ := json.Marshal(said)
	tools := `[{"name":"a","input_schema":{}},{"name":"b","input_schema":{}},{"name":"c","input_schema":{}}]`
	body := fmt.Sprintf(`{"model":"m","max_tokens":%d,"messages":[{"role":"user","content":%s}],"tools":%s`, limit, text, tools)
	if path == responsesPath {
		body = fmt.Sprintf(`{"model":"m","max_output_tokens":%d,"input":%s,"tools":[{"type":"function","name":"a"},{"type":"function","name":"b"},{"type":"custom","name":"c"}]`, limit, text)
	}
	if thinking != "" {
		body += `,"thinking":{"type":"adaptive"}`
	}
	s := New(Options{Now: noon, Tokens: 4, NoRequestFaults: true})
	whole = post(t, s, path, body+`}`).body
	s.Reset()
	return whole, post(t, s, path, body+`,"stream":true,"stream_options":{"include_usage":true}}`).body
}

func foldMessage(body string) (f folded) {
	var m struct {
		Content []struct {
			Type, Text, Thinking, Name string
			Input                      json.RawMessage
		}
		StopReason string `json:"stop_reason"`
		Usage      json.RawMessage
	}
	json.Unmarshal([]byte(body), &m)
	for _, b := range m.Content {
		f.text, f.thought = f.text+b.Text, f.thought+b.Thinking
		if b.Type == "tool_use" {
			f.args += b.Name + string(b.Input)
		}
	}
	f.stop, f.usage = m.StopReason, string(m.Usage)
	return f
}

func foldMessageStream(t *testing.T, stream string) (f folded) {
	_, data := events(t, stream)
	args := ""
	for _, d := range data {
		var e struct {
			Type         string
			ContentBlock struct{ Type, Name string } `json:"content_block"`
			Delta        struct {
				Text, Thinking string
				PartialJSON    string `json:"partial_json"`
				StopReason     string `json:"stop_reason"`
			}
			Usage json.RawMessage
		}
		json.Unmarshal([]byte(d), &e)
		f.text, f.thought, args = f.text+e.Delta.Text, f.thought+e.Delta.Thinking, args+e.Delta.PartialJSON
		switch {
		case e.ContentBlock.Type == "tool_use":
			f.args += e.ContentBlock.Name
		case e.Type == "content_block_stop":
			if args != "" && !json.Valid([]byte(args)) {
				args = "{}" // cut off by max_tokens
			}
			f.args, args = f.args+args, ""
		case e.Type == "message_delta":
			f.stop, f.usage = e.Delta.StopReason, string(e.Usage)
		}
	}
	return f
}

// chatDelta is a message or a delta.
type chatDelta struct {
	Content          string
	ReasoningContent string `json:"reasoning_content"`
	ToolCalls        []struct {
		Function struct{ Name, Arguments string }
	} `json:"tool_calls"`
}

func (f *folded) add(d chatDelta) {
	f.text, f.thought = f.text+d.Content, f.thought+d.ReasoningContent
	for _, c := range d.ToolCalls {
		f.args += c.Function.Name + c.Function.Arguments
	}
}

func foldChat(body string) (f folded) {
	var c struct {
		Choices []struct {
			Message      chatDelta
			FinishReason string `json:"finish_reason"`
		}
		Usage json.RawMessage
	}
	json.Unmarshal([]byte(body), &c)
	f.add(c.Choices[0].Message)
	f.stop, f.usage = c.Choices[0].FinishReason, string(c.Usage)
	return f
}

func foldChatStream(t *testing.T, stream string) (f folded) {
	_, data := events(t, stream)
	for _, d := range data {
		var c struct {
			Choices []struct {
				Delta        chatDelta
				FinishReason string `json:"finish_reason"`
			}
			Usage json.RawMessage
		}
		json.Unmarshal([]byte(d), &c)
		for _, choice := range c.Choices {
			f.add(choice.Delta)
			f.stop += choice.FinishReason
		}
		if len(c.Usage) > 0 && string(c.Usage) != "null" {
			f.usage = string(c.Usage)
		}
	}
	return f
}

package openai

import (
	"errors"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/sse"
)

// No path closes a call before its arguments are complete. Should one come to,
// the stream breaks: half a command must not look like a whole one.
func TestStreamDecoder_ArgumentsForACallCutShortAreAnError(t *testing.T) {
	fragment := func(args string) *sse.Event {
		return &sse.Event{Data: []byte(`{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"` + args + `"}}]}}]}`)}
	}
	for _, tt := range []struct {
		name, first, second string
		want                error
	}{
		{"cut, and goes on", `{\"a\"`, `:1}`, errLostArguments},
		{"cut, white space", `{\"a\"`, ` `, nil},
		{"complete, white space", `{\"a\":1}`, `\n`, nil},
		{"complete, and said again", `{\"a\":1}`, `{\"a\":1}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &streamDecoder{}
			if _, err := d.Decode(nil, fragment(tt.first)); err != nil {
				t.Fatal(err)
			}
			d.closeBlock(nil)
			if _, err := d.Decode(nil, fragment(tt.second)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

package dialect_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
)

// userPart is a Chat request whose only part is raw.
func userPart(raw string) string {
	return `{"messages":[{"role":"user","content":[` + raw + `]}]}`
}

func filePart(data string) string {
	return userPart(`{"type":"file","file":{"filename":"a.txt","file_data":"` + data + `"}}`)
}

func TestChatFiles_TextReachesTheModelAsText(t *testing.T) {
	const text = "Hello wörld,\n1;2"
	packed := base64.StdEncoding.EncodeToString([]byte(text))
	for name, data := range map[string]string{
		"plain": "data:text/plain;base64," + packed, "markdown": "data:text/markdown;base64," + packed, "csv": "data:text/csv;base64," + packed,
		"with a charset": "data:text/csv;charset=utf-8;base64," + packed, "capitals": "data:Text/CSV;base64," + packed,
		"unpadded": "data:text/plain;base64," + strings.TrimRight(packed, "="), "in percents": "data:text/csv,Hello%20w%C3%B6rld,%0A1;2",
		"for URLs": "data:text/plain;base64," + base64.URLEncoding.EncodeToString([]byte(text)),
	} {
		t.Run(name, func(t *testing.T) {
			got := encoded(t, llm.OpenAI, llm.Anthropic, filePart(data), &dialect.Policy{Genuine: true}).Get("messages.0.content.0")
			want := gjson.Parse(`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"Hello wörld,\n1;2"},"title":"a.txt"}`)
			if diff := cmp.Diff(want.Value(), got.Value()); diff != "" {
				t.Error(diff)
			}
			for to, path := range map[llm.Dialect]string{llm.OpenAI: "messages.0.content", llm.Responses: "input.0.content.0.text"} {
				if got := encoded(t, llm.OpenAI, to, filePart(data), nil).Get(path).Str; got != "a.txt:\n"+text {
					t.Errorf("%s: %q", to, got)
				}
			}
		})
	}
}

func TestMessagesFiles_TextInBase64IsText(t *testing.T) {
	part := `{"messages":[{"role":"user","content":[{"type":"document","title":"a.md","source":{"type":"base64","media_type":"text/markdown","data":"IyBIaQ=="}}]}]}`
	if got := encoded(t, llm.Anthropic, llm.OpenAI, part, nil).Get("messages.0.content").Str; got != "a.md:\n# Hi" {
		t.Errorf("%q", got)
	}
}

func TestChatFiles_OthersStayAsTheyCame(t *testing.T) {
	for data, want := range map[string]string{
		"data:application/pdf;base64,JVBERg==": `{"type":"base64","media_type":"application/pdf","data":"JVBERg=="}`,
		"JVBERg==":                             `{"type":"base64","media_type":"application/pdf","data":"JVBERg=="}`,
		"data:text/plain;base64,not base64!":   `{"type":"text","media_type":"text/plain","data":"not base64!"}`,
		"data:text/plain;base64,/0Jvbg==":      `{"type":"text","media_type":"text/plain","data":"` + "\uFFFD" + `Bon"}`,
	} {
		if got := encoded(t, llm.OpenAI, llm.Anthropic, filePart(data), &dialect.Policy{Genuine: true}).Get("messages.0.content.0.source").Raw; got != want {
			t.Errorf("%s: %s", data, got)
		}
	}
}

func TestChatPictures_AddressAsAPlainString(t *testing.T) {
	part := userPart(`{"type":"image_url","image_url":"https://x.test/a.png"}`)
	if got := encoded(t, llm.OpenAI, llm.Anthropic, part, nil).Get("messages.0.content.0.source.url").Str; got != "https://x.test/a.png" {
		t.Errorf("%q", got)
	}
	part = userPart(`{"type":"image_url","image_url":"data:image/png;base64,AAAA"}`)
	if got := encoded(t, llm.OpenAI, llm.Anthropic, part, nil).Get("messages.0.content.0.source").Raw; got != `{"type":"base64","media_type":"image/png","data":"AAAA"}` {
		t.Error(got)
	}
}

// Messages fetches https addresses only: a data: URL that is not base64 is a
// 400 that says so.
func TestChatPictures_UnreadableDataURLIsRefusedForMessages(t *testing.T) {
	for name, part := range map[string]string{
		"picture": `{"type":"image_url","image_url":{"url":"data:image/svg+xml,<svg/>"}}`,
		"file":    `{"type":"file","file":{"file_data":"data:application/pdf,%25PDF"}}`,
	} {
		_, _, err := encodedAs([]byte(userPart(part)), llm.OpenAI, llm.Anthropic, nil)
		var e *llm.Error
		if !errors.As(err, &e) || e.Type != llm.ErrInvalidRequest || e.Param != "messages" || !strings.Contains(e.Message, "base64") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Anthropic refuses stop sequences of nothing but white space.
func TestStopSequences_BlankOnesAreLeftOutForMessages(t *testing.T) {
	for body, want := range map[string]string{
		`{"messages":[],"stop":["\n"]}`:              "",
		`{"messages":[],"stop":"\n\n"}`:              "",
		`{"messages":[],"stop":["\n","END"," ",""]}`: `["END"]`,
		`{"messages":[],"stop":["END","\nUser:"]}`:   `["END","\nUser:"]`,
	} {
		out, dropped, err := encodedAs([]byte(body), llm.OpenAI, llm.Anthropic, &dialect.Policy{MaxStop: 2})
		if err != nil {
			t.Fatal(err)
		}
		if got := gjson.GetBytes(out, "stop_sequences").Raw; got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
		if blank := !strings.Contains(body, "User"); blank != slices.Contains(dropped, "stop_sequences") {
			t.Errorf("%s: dropped %v", body, dropped)
		}
	}
	got := encoded(t, llm.OpenAI, llm.OpenAI, `{"messages":[],"stop":["\n"]}`, nil)
	if s := got.Get("stop").Raw; s != `["\n"]` {
		t.Errorf("for Chat: %s", s)
	}
}

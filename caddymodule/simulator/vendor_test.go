package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Every vendor's way of reasoning, its usage and its headers, in Chat and in Messages.
func TestVendors_AnswerInTheirOwnWay(t *testing.T) {
	for _, vendor := range append(Vendors(), "") {
		t.Run(or(vendor, "plain"), func(t *testing.T) {
			var out strings.Builder
			for _, c := range []struct{ path, body string }{
				{chatPath, hello(chatPath, `,"reasoning_effort":"high"`)},
				{chatPath, hello(chatPath, `,"reasoning_effort":"high","stream":true,"stream_options":{"include_usage":true}`)},
				{messagesPath, hello(messagesPath, `,"stream":true`)},
			} {
				s := New(Options{Vendor: vendor, Tokens: 1, Now: noon})
				got := post(t, s, c.path, c.body)
				_, data := events(t, got.body)
				if len(data) == 0 {
					data = []string{got.body}
				}
				checkJSON(t, data...)
				fmt.Fprintf(&out, "== %s %d\n", c.path, got.status)
				got.header.WriteSubset(&out, map[string]bool{"Content-Length": true})
				fmt.Fprintf(&out, "\n%s\n", thin(got.body))
			}
			golden(t, "vendor_"+or(vendor, "plain")+".txt", out.String())
		})
	}
}

// thin drops most of the events that only carry one word.
func thin(stream string) string {
	blocks := strings.SplitAfter(stream, "\n\n")
	var out []string
	for i, b := range blocks {
		if i < 4 || i > len(blocks)-6 || strings.Contains(b, "think>") {
			out = append(out, b)
		}
	}
	return strings.Join(out, "")
}

func TestVendors_ReasonUnlessToldNotTo(t *testing.T) {
	for vendor, off := range map[string]string{"zai": `,"thinking":{"type":"disabled"}`, "minimax": `,"thinking":{"type":"disabled"}`, "cerebras": ``} {
		s := New(Options{Vendor: vendor})
		on := map[string]string{"cerebras": `,"reasoning_effort":"low"`}[vendor]
		if got := post(t, s, chatPath, hello(chatPath, on)); !strings.Contains(got.body, "The user wants") {
			t.Errorf("%s does not reason: %s", vendor, got.body)
		}
		if got := post(t, s, chatPath, hello(chatPath, off)); strings.Contains(got.body, "The user wants") {
			t.Errorf("%s reasons: %s", vendor, got.body)
		}
	}
}

func TestVendors_MiniMaxSplitsReasoningWhenAsked(t *testing.T) {
	got := post(t, New(Options{Vendor: "minimax"}), chatPath, hello(chatPath, `,"reasoning_split":true`))
	if !strings.Contains(got.body, `"reasoning_details":[{"type":"reasoning.text"`) || strings.Contains(got.body, "<think>") {
		t.Error(got.body)
	}
}

// Every vendor's error is JSON on both sides, for every status and every code of its tables.
func TestVendors_EveryRowOfTheirErrorTables(t *testing.T) {
	for _, v := range vendorTable() {
		s := New(Options{Vendor: v.name})
		for _, path := range []string{chatPath, messagesPath, responsesPath} {
			rows := append(append([]row(nil), v.rows...), openAIRows...)
			if path == messagesPath {
				rows = append(append([]row(nil), v.anthropicRows...), anthropicRows...)
			}
			for _, r := range rows {
				fault := fmt.Sprint(r.status)
				if r.code != "" {
					fault += ";code=" + r.code
				}
				got := post(t, s, path, hello(path, ``), "X-Sim-Fault", fault)
				checkJSON(t, got.body)
				if got.status != r.status || http.StatusText(got.status) == "" && got.status < 498 {
					t.Errorf("%s %s %s: %d %s", v.name, path, fault, got.status, got.body)
				}
				mid := post(t, s, path, hello(path, `,"stream":true`), "X-Sim-Fault", "error-mid;code="+or(r.code, "x"))
				_, data := events(t, mid.body)
				checkJSON(t, data...)
			}
		}
	}
}

package responses

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// testDialect is the dialect at a fixed time.
var testDialect = Responses{Now: func() time.Time { return time.Unix(1790000000, 0) }}

var openTarget = &dialect.Target{Provider: "p", Vendor: "openai", Model: "up"}

// golden compares got with a file below testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// pretty indents JSON and puts a line end after it.
func pretty(t testing.TB, body []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := json.Indent(&buf, body, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	buf.WriteByte('\n')
	return buf.Bytes()
}

// encodeStream writes events as a stream to the client that sent r.
func encodeStream(r *llm.Request, events []llm.Event) []byte {
	enc := testDialect.NewStreamEncoder(r)
	var out []byte
	for i := range events {
		out = enc.Encode(out, &events[i])
	}
	return out
}

// decodeStream reads a stream as a provider's.
func decodeStream(stream []byte) ([]llm.Event, error) {
	return decodeWith(testDialect.NewStreamDecoder(), stream)
}

func decodeWith(dec dialect.StreamDecoder, stream []byte) ([]llm.Event, error) {
	r := sse.NewReader(bytes.NewReader(stream), sse.Options{})
	defer r.Close()
	var events []llm.Event
	for {
		ev, err := r.Next()
		if err == io.EOF {
			return dec.Close(events), nil
		}
		if err != nil {
			return events, err
		}
		from := len(events)
		if events, err = dec.Decode(events, ev); err != nil {
			return events, err
		}
		for i := from; i < len(events); i++ {
			events[i].Text = strings.Clone(events[i].Text) // it is the reader's
		}
	}
}

func fold(t fataler, events []llm.Event) *llm.Response {
	t.Helper()
	var f llm.Folder
	f.Add(events)
	a, err := f.Response()
	if err != nil {
		t.Fatalf("the stream failed: %v", err)
	}
	return a
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// stream makes a stream of the data of its events, types taken from them.
func stream(datas ...string) []byte {
	var out []byte
	for _, data := range datas {
		out = sse.AppendEvent(out, gjson.Get(data, "type").Str, []byte(data))
	}
	return out
}

// types lists the types of a stream's events.
func types(t fataler, body []byte) []string {
	t.Helper()
	var list []string
	for _, ev := range dataOf(t, body) {
		list = append(list, ev.Get("type").Str)
	}
	return list
}

// dataOf returns the data of a stream's events, comments left out.
func dataOf(t fataler, body []byte) []gjson.Result {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(body), sse.Options{})
	defer r.Close()
	var list []gjson.Result
	for {
		ev, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil || ev.Unterminated {
			t.Fatalf("stream: %v, unterminated %t", err, ev != nil && ev.Unterminated)
		}
		if ev.Comment {
			continue
		}
		data := gjson.Parse(string(ev.Data))
		if !gjson.Valid(data.Raw) || bytes.ContainsAny(ev.Data, "\n") || data.Get("type").Str != string(ev.Type) {
			t.Fatalf("bad event %q: %s", ev.Type, ev.Data)
		}
		list = append(list, data)
	}
}

// terminal returns the response object of a stream's last event.
func terminal(t fataler, body []byte) gjson.Result {
	t.Helper()
	list := dataOf(t, body)
	return list[len(list)-1].Get("response")
}

// checkLife holds a stream against the rules its clients rely on: numbers
// without gaps, every item added before its parts, every part before its
// deltas, the deltas adding up to what done says, everything done once and in
// the final output.
func checkLife(t fataler, body []byte) {
	t.Helper()
	var items []string
	text, part, open := "", false, false
	for n, ev := range dataOf(t, body) {
		typ := ev.Get("type").Str
		bad := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("event %d, %s: %s\n%s", n, typ, fmt.Sprintf(format, args...), body)
		}
		if ev.Get("sequence_number").Int() != int64(n) {
			bad("sequence number %s", ev.Get("sequence_number").Raw)
		}
		if at := ev.Get("output_index"); at.Exists() && at.Int() != int64(len(items)) {
			bad("output index %s of %d items", at.Raw, len(items))
		}
		switch {
		case n == 0 && typ != evCreated, n == 1 && typ != evInProgress:
			bad("is not how a stream begins")
		case typ == evItemAdded:
			if open {
				bad("the item before is not done")
			}
			open, part, text = true, strings.HasSuffix(ev.Get("item.type").Str, "_call"), ""
		case strings.HasSuffix(typ, "part.added"):
			part = true
		case strings.HasSuffix(typ, ".delta"):
			if !open || !part {
				bad("item open %t, part open %t", open, part)
			}
			text += ev.Get("delta").Str
		case strings.HasSuffix(typ, "part.done"):
		case typ == evItemDone:
			if !open {
				bad("no item is open")
			}
			open = false
			items = append(items, ev.Get("item").Raw)
		case strings.HasSuffix(typ, ".done"):
			if whole := doneText(ev); whole != text {
				bad("says %q, the deltas %q", whole, text)
			}
		case typ == evCompleted, typ == evIncomplete:
			if open {
				bad("an item is not done")
			}
			if got, want := ev.Get("response.output").Raw, "["+strings.Join(items, ",")+"]"; got != want {
				bad("output %s, items %s", got, want)
			}
		}
	}
}

// mustGet returns the JSON at a path.
func mustGet(t *testing.T, body []byte, path string) []byte {
	t.Helper()
	v := gjson.GetBytes(body, path)
	if !v.Exists() {
		t.Fatalf("no %s in %s", path, body)
	}
	return []byte(v.Raw)
}

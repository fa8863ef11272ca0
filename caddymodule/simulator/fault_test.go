package simulator

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// lastsLong are the faults that wait for the client to leave.
var lastsLong = map[Kind]bool{Hang: true, Silence: true, Stall: true, Pings: true, Hold: true, SlowHeaders: true}

// small keeps the faults of size small.
func small(k Kind) string {
	switch k {
	case Big, GzipBomb, Huge:
		return string(k) + ";bytes=200000"
	case Deep, Objects:
		return string(k) + ";bytes=5000"
	}
	return string(k)
}

// Every fault in every dialect, streaming and not, must end once the client is gone, and must not be a plain answer.
func TestServer_EveryFaultEndsAndDiffers(t *testing.T) {
	for _, k := range append(Kinds(), "302", "429", "529") {
		for _, path := range dialectPaths {
			for _, stream := range []string{``, `,"stream":true`} {
				t.Run(string(k)+path+stream, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { tryFault(t, k, path, stream) })
				})
			}
		}
	}
}

func tryFault(t *testing.T, k Kind, path, stream string) {
	s := New(Options{Tokens: 6, Now: noon})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begun := time.Now()
	r := request(t, path, hello(path, stream), "X-Sim-Fault", small(k)).WithContext(ctx)
	got := do(t, s, r)
	cancel()
	synctest.Wait()
	rec := s.Requests()[0]
	if !rec.Done || rec.Fault == "" {
		t.Errorf("the record does not say what happened: %+v", rec)
	}
	if waited := time.Since(begun); (waited >= time.Minute) != lastsLong[k] && k != Slow && k != Pings {
		t.Errorf("took %v", waited)
	}
	if lastsLong[k] && !rec.Canceled && k != Pings {
		t.Error("the client's leaving was not seen")
	}
	plain := do(t, New(Options{Tokens: 6, Now: noon}), request(t, path, hello(path, stream)))
	if got.body == plain.body && got.err == nil && got.status == plain.status && !fits(k, path, stream) {
		t.Errorf("the fault changed nothing")
	}
}

// fits says where a fault rightly changes nothing, or only the connection.
func fits(k Kind, path, stream string) bool {
	switch k {
	case OK, Stale, Goaway, Interim, Trailers, Split, Slow, SlowHeaders, UnknownEncoding, EmptyArgs, WholeArgs, SplitArgs, BadArgs, NoIDs, RepeatIDs, Interleave, FinishStop:
		return true
	case LengthLong, LengthShort, Gzip, Brotli, Zstd, GzipCorrupt, JSONForStream, NoChoices, Truncated:
		return stream != "" || k == JSONForStream || k == LengthShort
	case NoFinish:
		return path == responsesPath && stream == ""
	case NoUsage, UsageLate:
		return stream != "" && path == chatPath || k == UsageLate && stream == ""
	case StreamForJSON:
		return stream != ""
	}
	return stream == "" // the faults of streams
}

func TestServer_StatusFaultsInVendorShape(t *testing.T) {
	for _, c := range []struct{ name, vendor, path, fault string }{
		{"openai", "", chatPath, "429;retry-after=7"},
		{"anthropic", "", messagesPath, "529;retry-after-ms=1500;should-retry=false"},
		{"anthropic_spend", "anthropic", messagesPath, "429;code=enforced_spend_limit_reached"},
		{"anthropic_reset", "anthropic", messagesPath, "429;reset=rfc3339+7"},
		{"date", "", chatPath, "429;retry-after=date+7"},
		{"date_past", "", chatPath, "503;retry-after=date-60;skew=-1h"},
		{"duration", "", chatPath, "429;reset=6m0s"},
		{"epoch", "openrouter", chatPath, "429;reset=epochms+7"},
		{"cerebras", "cerebras", chatPath, "429;reset=11.38"},
		{"cerebras_tokens", "cerebras", chatPath, "429;code=token_quota_exceeded"},
		{"cerebras_queue", "cerebras", chatPath, "503;code=queue_exceeded"},
		{"zai", "zai", chatPath, "429;code=1302"},
		{"zai_window", "zai", "/anthropic" + messagesPath, "429;code=1308;reset=zai+3600"},
		{"zai_balance", "zai", "/anthropic" + messagesPath, "429;code=1113"},
		{"zai_busy_chat", "zai", chatPath, "429;code=1305"},
		{"minimax_200", "minimax", chatPath, "base-resp"},
		{"minimax", "minimax", messagesPath, "429;code=2056"},
		{"synthetic", "synthetic", chatPath, "429;reset=rfc3339+60"},
		{"synthetic_page", "synthetic", chatPath, "503;body=html"},
		{"openai_quota", "openai", responsesPath, "429;code=insufficient_quota"},
		{"groq_size", "groq", chatPath, "413"},
		{"deepseek_money", "deepseek", chatPath, "402"},
		{"moonshot_key", "moonshot", chatPath, "401"},
		{"ollama_model", "ollama", chatPath, "404"},
		{"redirect", "", chatPath, "307;location=http://127.0.0.1:1/x"},
		{"empty", "", chatPath, "500;body=empty"},
		{"forbidden_page", "", chatPath, "403;body=html"},
		{"context_openai", "", chatPath, "context-exceeded"},
		{"context_anthropic", "", messagesPath, "context-exceeded"},
		{"context_zai", "zai", chatPath, "context-exceeded"},
		{"context_minimax", "minimax", messagesPath, "context-exceeded"},
		{"context_moonshot", "moonshot", chatPath, "context-exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := post(t, New(Options{Vendor: c.vendor, Now: noon}), c.path, hello(c.path, ""), "X-Sim-Fault", c.fault)
			var b strings.Builder
			got.header.Write(&b)
			golden(t, "fault_"+c.name+".txt", http.StatusText(got.status)+"\n"+b.String()+"\n"+got.body)
		})
	}
}

func TestServer_FaultsByScriptKeyAndModel(t *testing.T) {
	s := New(Options{})
	s.Script(Selector{Key: "k1", Model: "m"}, Fail("429"), Step{Fault: Fault{Kind: "500"}, Times: 2}, Step{})
	s.Script(Selector{Key: "k2"}, Step{Fault: Fault{Kind: "401"}, Forever: true})
	s.Script(Selector{Header: map[string]string{"X-A": "b"}}, Reply(418, "text/plain", "teapot"))
	var got []int
	for range 5 {
		got = append(got, post(t, s, chatPath, hello(chatPath, ""), "Authorization", "Bearer k1").status)
	}
	got = append(got,
		post(t, s, chatPath, hello(chatPath, ""), "X-Api-Key", "k2").status,
		post(t, s, chatPath, hello(chatPath, ""), "X-Api-Key", "k2").status,
		post(t, s, chatPath, hello(chatPath, ""), "X-A", "b").status,
		post(t, s, chatPath, hello(chatPath, ""), "X-A", "b").status,
		post(t, s, chatPath, hello(chatPath, ""), "Authorization", "Bearer sim-402").status,
		post(t, s, chatPath, strings.Replace(hello(chatPath, ""), `"m"`, `"sim/403"`, 1)).status,
		post(t, s, chatPath, hello(chatPath, ""), "X-Sim-Fault", "misspelt").status,
	)
	want := []int{429, 500, 500, 200, 200, 401, 401, 418, 200, 402, 403, 400}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if n := s.Count(Selector{Key: "k1"}); n != 5 {
		t.Errorf("counted %d", n)
	}
	if n := s.Count(); n != 12 {
		t.Errorf("counted %d in all", n)
	}
}

func TestServer_NoRequestFaultsLeavesThemToTheScript(t *testing.T) {
	s := New(Options{NoRequestFaults: true})
	if got := post(t, s, chatPath, hello(chatPath, ""), "X-Sim-Fault", "500", "Authorization", "Bearer sim-401"); got.status != 200 {
		t.Error(got.status)
	}
}

func TestServer_CompressedBodiesUnpack(t *testing.T) {
	for fault, open := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		got := post(t, New(Options{}), chatPath, hello(chatPath, ""), "X-Sim-Fault", fault)
		r, err := open(strings.NewReader(got.body))
		if err != nil {
			t.Fatal(fault, err)
		}
		b, err := io.ReadAll(r)
		if err != nil || got.header.Get("Content-Encoding") != fault {
			t.Error(fault, err, got.header)
		}
		checkJSON(t, string(b))
	}
	got := post(t, New(Options{}), chatPath, hello(chatPath, ""), "X-Sim-Fault", "gzip-corrupt")
	z, err := gzip.NewReader(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(z); !errors.Is(err, gzip.ErrChecksum) {
		t.Errorf("got %v", err)
	}
}

func TestServer_StreamFaultsStrikeAfterTheirPieces(t *testing.T) {
	for fault, wants := range map[string]struct{ has, lacks string }{
		"cut;after=5":       {"simulator", "You"},
		"cut;after=0":       {"message_start", "content_block_delta"},
		"error-mid;after=5": {"simulator", "You"},
		"error-first":       {"overloaded_error", "message_start"},
		"no-done":           {"message_delta", "message_stop"},
		"no-finish":         {"message_stop", "message_delta"},
		"no-usage":          {"message_stop", "usage"},
		"unknown-event":     {"sim_unknown", "\r"},
		"crlf":              {"\r\n\r\n", "\n\n"},
		"cr":                {"\r\r", "\n"},
		"no-space":          {"data:{", "data: "},
		"multi-line":        {"data: {\ndata: \"type\"", "data: {\""},
		"comments":          {"\n\n: keep-alive\n\n", "\r"},
		"wrong-index":       {`"index":1`, `"index":0`},
		"double-stop":       {"event: message_delta", "\r"},
		"malformed;after=2": {"\"con\n\n", "\r"},
		"huge;bytes=1000":   {"huge huge", "\r"},
		"after-done":        {"message_stop\"}\n\nevent: message_start", "\r"},
		"usage-late":        {"message_stop\"}\n\nevent: message_delta", "\"usage\":{\"input_tokens\":8,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1}"},
		"bom":               {"\ufeffevent", "\r"},
		"json-for-stream":   {`"content":[{`, "event:"},
		"network-error":     {"end_turn", "sim:1:5"},
		"refusal":           {`"stop_reason":"refusal"`, "end_turn"},
		"error-200;after=2": {"overloaded_error", "\r"},
	} {
		t.Run(fault, func(t *testing.T) {
			got := post(t, New(Options{}), messagesPath, hello(messagesPath, `,"stream":true`), "X-Sim-Fault", fault)
			if !strings.Contains(got.body, wants.has) || strings.Contains(got.body, wants.lacks) {
				t.Errorf("want %q and not %q in\n%s", wants.has, wants.lacks, got.body)
			}
		})
	}
}

func TestServer_ConnectionFaultsInProcess(t *testing.T) {
	for fault, want := range map[string]error{
		"refused": syscall.ECONNREFUSED, "reset": syscall.ECONNRESET, "close": io.EOF,
		"reset-headers": syscall.ECONNRESET, "cut-rst": syscall.ECONNRESET, "cut-fin": io.ErrUnexpectedEOF, "length-long": io.ErrUnexpectedEOF,
	} {
		stream := `,"stream":true`
		if fault == "length-long" {
			stream = ""
		}
		got := post(t, New(Options{}), chatPath, hello(chatPath, stream), "X-Sim-Fault", fault)
		if !errors.Is(got.err, want) {
			t.Errorf("%s: got %v, want %v", fault, got.err, want)
		}
	}
}

func TestServer_ToolCallFaults(t *testing.T) {
	const path = chatPath
	body := `{"model":"m","stream":true,"messages":[{"role":"user","content":"call:a {\"x\":\"é\\n1234567890\"} call:a {\"y\":\"1234567890123\"}"}],"tools":[{"type":"function","function":{"name":"a"}}]}`
	for fault, want := range map[string]string{
		"empty-args":  `"index":1,"id":"call_sim_1_1","type":"function","function":{"name":"a","arguments":""}`,
		"whole-args":  `"index":1,"id":"call_sim_1_1","type":"function","function":{"name":"a","arguments":"{\"y\":\"1234567890123\"}"}`,
		"split-args":  "\"arguments\":\"\xc3\"",
		"bad-args":    `"arguments":"7890123"`,
		"no-ids":      `[{"index":0,"type":"function"`,
		"repeat-ids":  `{"index":0,"id":"call_sim_1_0","type":"function","function":{"name":"a","arguments":"{\"x\"`,
		"finish-stop": `"finish_reason":"stop"`,
	} {
		t.Run(fault, func(t *testing.T) {
			if got := post(t, New(Options{}), path, body, "X-Sim-Fault", fault); !strings.Contains(got.body, want) {
				t.Errorf("no %q in\n%s", want, got.body)
			}
		})
	}
	got := post(t, New(Options{}), path, body, "X-Sim-Fault", "interleave")
	var order bytes.Buffer
	_, data := events(t, got.body)
	for _, d := range data {
		for _, i := range []string{"0", "1"} {
			if strings.Contains(d, `"tool_calls":[{"index":`+i) {
				order.WriteString(i)
			}
		}
	}
	if !strings.HasPrefix(order.String(), "010101") {
		t.Errorf("order of fragments is %s", &order)
	}
}

func TestServer_BodyFaults(t *testing.T) {
	for fault, check := range map[string]func(reply) bool{
		"malformed":                           func(r reply) bool { return !json.Valid([]byte(r.body)) && strings.Contains(r.body, "simulator") },
		"truncated":                           func(r reply) bool { return !json.Valid([]byte(r.body)) && r.err == nil },
		"empty":                               func(r reply) bool { return r.status == 200 && r.body == "" },
		"no-content":                          func(r reply) bool { return r.status == 204 && r.body == "" },
		"no-choices":                          func(r reply) bool { return json.Valid([]byte(r.body)) && !strings.Contains(r.body, "choices") },
		"stream-for-json":                     func(r reply) bool { return r.header.Get("Content-Type") == "text/event-stream" },
		"big;bytes=1000000":                   func(r reply) bool { return len(r.body) > 1_000_000 && json.Valid([]byte(r.body)) },
		"deep;bytes=5000":                     func(r reply) bool { return strings.Count(r.body, "[") == 5000 && strings.HasSuffix(r.body, "]]") },
		"objects;bytes=3000":                  func(r reply) bool { return strings.Count(r.body, "{}") == 3001 },
		"gzip-bomb;bytes=1000000":             func(r reply) bool { return len(r.body) < 5000 && r.header.Get("Content-Encoding") == "gzip" },
		"bom":                                 func(r reply) bool { return strings.HasPrefix(r.body, "\ufeff{") },
		"bad-utf8":                            func(r reply) bool { return !utf8.ValidString(r.body) },
		"html":                                func(r reply) bool { return r.status == 200 && strings.HasPrefix(r.body, "<html>") },
		"error-200":                           func(r reply) bool { return r.status == 200 && strings.HasPrefix(r.body, `{"error":`) },
		"error-200;vendor=synthetic":          func(r reply) bool { return strings.HasPrefix(r.body, `{"error":"`) },
		"error-200;vendor=zai;code=NOT_FOUND": func(r reply) bool { return r.body == `{"code":500,"msg":"404 NOT_FOUND","success":false}` },
		"base-resp":                           func(r reply) bool { return strings.Contains(r.body, `"base_resp":{"status_code":1008`) },
		"unknown-encoding":                    func(r reply) bool { return r.header.Get("Content-Encoding") == "sim" },
		"goaway":                              func(r reply) bool { return r.header.Get("Connection") == "close" },
		"refusal":                             func(r reply) bool { return strings.Contains(r.body, `"finish_reason":"content_filter"`) },
		"no-usage":                            func(r reply) bool { return !strings.Contains(r.body, "usage") },
		"429;x-ms-retry-after-ms=70":          func(r reply) bool { return r.header.Get("X-Ms-Retry-After-Ms") == "70" },
		"ok;tokens=2":                         func(r reply) bool { return strings.Contains(r.body, "sim:1:1\"") },
	} {
		t.Run(fault, func(t *testing.T) {
			if got := post(t, New(Options{}), chatPath, hello(chatPath, ``), "X-Sim-Fault", fault); !check(got) {
				t.Errorf("%d %v %.300q", got.status, got.header, got.body)
			}
		})
	}
}

func TestServer_SlowIsSlowWithoutBeingTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		post(t, New(Options{Tokens: 2}), chatPath, hello(chatPath, `,"stream":true`), "X-Sim-Fault", "slow")
		if took := time.Since(begun); took != 11*time.Second {
			t.Error(took)
		}
	})
}

func TestServer_MaxTokensZeroSaysNothing(t *testing.T) {
	got := post(t, New(Options{}), messagesPath, strings.Replace(hello(messagesPath, ``), "1000", "0", 1))
	if !strings.Contains(got.body, `"content":[],"stop_reason":"max_tokens"`) {
		t.Error(got.body)
	}
}

func TestServer_InterimAnswersAndTrailersTravel(t *testing.T) {
	l, c := start(t, New(Options{}), ListenOptions{})
	interim := 0
	trace := &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error { interim++; return nil }}
	for fault, want := range map[string]int{"interim;bytes=4": 4, "trailers": 4} {
		r := request(t, chatPath, hello(chatPath, ``), "X-Sim-Fault", fault)
		r.URL.Host = l.Addr()
		resp, err := c.Do(r.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !json.Valid(b) || interim > want {
			t.Errorf("%s: %d interim, %v, %s", fault, interim, err, b)
		}
		if fault == "trailers" && resp.Trailer.Get("X-Sim-Trailer") != "ok" {
			t.Errorf("trailer %v", resp.Trailer)
		}
	}
	if interim != 4 {
		t.Errorf("%d interim answers", interim)
	}
}

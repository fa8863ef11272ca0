package simulator

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestServer_RecordsWhatItReceivedByteForByte(t *testing.T) {
	s := New(Options{Now: noon})
	body := "{ \"model\":\"m\",\t\"messages\":[ {\"role\":\"user\",\"content\":\"\\u00e9\"} ] ,\"stream\": true}\n"
	post(t, s, chatPath+"?beta=true", body, "X-Api-Key", "a", "Authorization", "Bearer b")
	r := s.Requests()[0]
	switch {
	case string(r.Body) != body:
		t.Errorf("body %q", r.Body)
	case r.Key != "a" || !r.BothKeys:
		t.Errorf("key %q, both %v", r.Key, r.BothKeys)
	case r.Model != "m" || r.Dialect != "chat" || !r.Stream || r.Query != "beta=true" || r.Path != chatPath:
		t.Errorf("%+v", r)
	case r.Status != 200 || !r.Done || r.Canceled || r.Number != 1 || !r.Time.Equal(noon()):
		t.Errorf("%+v", r)
	}
}

func TestServer_RecordsAreBounded(t *testing.T) {
	s := New(Options{MaxRecords: 8})
	for range 30 {
		post(t, s, chatPath, hello(chatPath, ""))
	}
	all := s.Requests()
	if len(all) > 8 || len(all) < 6 || all[len(all)-1].Number != 30 || s.Count() != 30 {
		t.Errorf("%d records, the last %d, counted %d", len(all), all[len(all)-1].Number, s.Count())
	}
	heavy := New(Options{})
	heavy.journal.maxBytes = 500
	for range 10 {
		post(t, heavy, chatPath, hello(chatPath, `,"user":"`+strings.Repeat("x", 90)+`"`))
	}
	if n := len(heavy.Requests()); n != 3 {
		t.Errorf("%d records of 150 bytes within 500", n)
	}
	none := New(Options{MaxRecords: -1})
	post(t, none, chatPath, hello(chatPath, ""))
	if len(none.Requests()) != 0 || none.Count() != 1 {
		t.Error("records although there should be none")
	}
}

func TestServer_SeesTheClientLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{TokensPerSecond: 1})
		ctx, cancel := context.WithCancel(t.Context())
		r := request(t, chatPath, hello(chatPath, `,"stream":true`)).WithContext(ctx)
		resp, err := s.RoundTripper().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(3500*time.Millisecond, cancel)
		begun := time.Now()
		b, err := io.ReadAll(resp.Body)
		if err == nil || !strings.Contains(string(b), `simulator`) && time.Since(begun) != 3500*time.Millisecond {
			t.Errorf("read %q, %v", b, err)
		}
		err = s.Await(t.Context(), func(all []Record) bool { return all[0].Done })
		if rec := s.Requests()[0]; err != nil || !rec.Canceled || rec.CanceledAt.Sub(rec.Time) != 3500*time.Millisecond {
			t.Errorf("canceled %v at %v, begun %v, %v", rec.Canceled, rec.CanceledAt, rec.Time, err)
		}
	})
}

func TestServer_ClosingTheBodyIsLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{TokensPerSecond: 1})
		resp, err := s.RoundTripper().RoundTrip(request(t, chatPath, hello(chatPath, `,"stream":true`)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		synctest.Wait()
		if rec := s.Requests()[0]; !rec.Canceled || !rec.Done {
			t.Errorf("%+v", rec)
		}
	})
}

func TestServer_PacesTokens(t *testing.T) {
	for _, stream := range []string{``, `,"stream":true`} {
		for _, path := range dialectPaths {
			synctest.Test(t, func(t *testing.T) {
				s := New(Options{TTFT: 2 * time.Second, TokensPerSecond: 10, Tokens: 20})
				begun := time.Now()
				resp, err := s.RoundTripper().RoundTrip(request(t, path, hello(path, stream)))
				if err != nil {
					t.Fatal(err)
				}
				first := time.Since(begun)
				io.Copy(io.Discard, resp.Body)
				whole := time.Since(begun)
				// 28 pieces: the readable words and 20 tokens.
				if stream != "" && (first != 2*time.Second || whole != 4700*time.Millisecond) || stream == "" && first != 4800*time.Millisecond {
					t.Errorf("%s%s: first byte after %v, last after %v", path, stream, first, whole)
				}
			})
		}
	}
}

func TestServer_LimitsAreSharedByTheKeysOfAnAccount(t *testing.T) {
	now := noon()
	s := New(Options{Now: func() time.Time { return now }, Limits: []Limit{{Keys: []string{"a", "b"}, Requests: 2, Per: time.Minute}, {Requests: 3, Per: time.Hour}}})
	call := func(key string) reply { return post(t, s, chatPath, hello(chatPath, ""), "X-Api-Key", key) }
	var got []string
	for _, key := range []string{"a", "b", "a", "c", "c", "c", "c"} {
		r := call(key)
		got = append(got, strconv.Itoa(r.status)+r.header.Get("Retry-After"))
	}
	if s := strings.Join(got, " "); s != "200 200 42960 200 200 200 4293600" {
		t.Error(s)
	}
	now = now.Add(time.Minute)
	if r := call("b"); r.status != 200 {
		t.Errorf("still %d in the next window", r.status)
	}
}

func TestServer_ParallelLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{TTFT: time.Second, Limits: []Limit{{Parallel: 2}}})
		var mu sync.Mutex
		count := map[int]int{}
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				r := post(t, s, chatPath, hello(chatPath, ""))
				mu.Lock()
				count[r.status]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if count[200] != 2 || count[429] != 3 {
			t.Error(count)
		}
		if r := post(t, s, chatPath, hello(chatPath, "")); r.status != http.StatusOK {
			t.Error("places are not given back")
		}
	})
}

func TestServer_ConcurrentAnswersDoNotMix(t *testing.T) {
	s := New(Options{Tokens: 50})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 40 {
				path := dialectPaths[(i+j)%3]
				stream := []string{``, `,"stream":true`}[j%2]
				r := post(t, s, path, hello(path, stream))
				text := r.body
				if stream != "" {
					text = streamText(r.body)
				}
				got, err := CheckTranscript(strings.NewReplacer(`"`, " ", "}", " ").Replace(text))
				if err != nil || got.Words != 50 {
					t.Errorf("%s%s: %+v, %v in %s", path, stream, got, err, text)
				}
			}
		})
	}
	wg.Wait()
}

// streamText joins the text deltas of a stream, whatever its dialect.
func streamText(stream string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(stream, "\n") {
		if strings.Contains(line, "output_text.done") {
			break
		}
		for _, mark := range []string{`"text_delta","text":"`, `"delta":{"content":"`, `"logprobs":[],"delta":"`} {
			if _, after, ok := strings.Cut(line, mark); ok {
				word, _, _ := strings.Cut(after, `"}`)
				b.WriteString(word)
			}
		}
	}
	return b.String()
}

func TestServer_RecordsWhatAWholeAnswerSaysItTook(t *testing.T) {
	for name, c := range map[string]struct {
		fault string
		whole bool
	}{
		"whole":     {"ok", true},
		"refused":   {"429", false},
		"cut":       {"cut", false},
		"unstated":  {"no-usage", false},
		"streaming": {"slow;ttft=1ns;rate=1000000", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			post(t, s, chatPath, hello(chatPath, `,"stream":true`), "X-Sim-Fault", c.fault)
			if used := s.Requests()[0].Used; (used.Input > 0) != c.whole || (used.Output > 0) != c.whole {
				t.Errorf("%+v", used)
			}
		})
	}
}

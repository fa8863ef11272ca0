package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParseHeap_ReadsTheGoCollectorsCounters(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       heapCounts
		ok         bool
	}{
		{"usual", "# HELP x y\ngo_memstats_alloc_bytes 5\ngo_memstats_alloc_bytes_total 1.5e+06\ngo_memstats_mallocs_total 1234\n", heapCounts{1234, 1.5e6}, true},
		{"one is missing", "go_memstats_mallocs_total 1234\n", heapCounts{1234, 0}, false},
		{"no number", "go_memstats_mallocs_total many\ngo_memstats_alloc_bytes_total 1\n", heapCounts{}, false},
		{"nothing", "", heapCounts{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := parseHeap(strings.NewReader(test.text)); got != test.want || ok != test.ok {
				t.Errorf("got %v, %t", got, ok)
			}
		})
	}
}

func TestWatchHeap_LeavesOutWhatTellingItCost(t *testing.T) {
	total := heapCounts{1000, 50_000}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		total.objects, total.bytes = total.objects+10, total.bytes+700 // the price of an answer
		writeHeap(w, total)
	}))
	defer server.Close()
	spent := watchHeap(&process{admin: server.URL})
	total.objects, total.bytes = total.objects+300, total.bytes+9000
	if got, ok := spent(); !ok || got != (heapCounts{300, 9000}) {
		t.Errorf("got %v, %t", got, ok)
	}
	if _, ok := watchHeap(nil)(); ok {
		t.Error("no process has counters")
	}
}

func FuzzParseHeap(f *testing.F) {
	f.Add([]byte("go_memstats_alloc_bytes_total 1.5e+06\ngo_memstats_mallocs_total 1234\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, ok := parseHeap(bytes.NewReader(text))
		if !ok {
			return
		}
		var again bytes.Buffer
		writeHeap(&again, h)
		if back, _ := parseHeap(&again); back != h && h == h {
			t.Errorf("%v became %v", h, back)
		}
	})
}

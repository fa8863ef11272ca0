package simulator

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMembersAndElements(t *testing.T) {
	const doc = ` { "a" : 1 , "b":"x\"y\\" ,"c":[{"d":"]}"},null,-1.5e3], "e":{} } `
	var got []string
	for k, v := range members([]byte(doc)) {
		got = append(got, string(k)+"="+string(v))
	}
	if s := strings.Join(got, " "); s != `a=1 b="x\"y\\" c=[{"d":"]}"},null,-1.5e3] e={}` {
		t.Error(s)
	}
	got = nil
	for e := range elements(member([]byte(doc), "c")) {
		got = append(got, string(e))
	}
	if s := strings.Join(got, " "); s != `{"d":"]}"} null -1.5e3` {
		t.Error(s)
	}
}

// FuzzScan holds the walker to encoding/json: it never panics, and finds the same members in what is valid.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":{"b":[1,"\\\"",{}]},"c":"\u00e9"}`, `{"a"`, `[]`, `{"a":}`, `{"a":1,}`, "{\"\\u0061\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		for k, v := range members(b) {
			n++
			_, _ = text(v), k
			for range elements(v) {
			}
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(b, &want) != nil || want == nil {
			return
		}
		if !isObject(b) || n < len(want) {
			t.Errorf("%q: %d members, want %d", b, n, len(want))
		}
		for k, v := range want {
			if q, _ := json.Marshal(k); string(q) == `"`+k+`"` && strings.Count(string(b), `"`+k+`"`) == 1 && string(member(b, k)) != string(v) {
				t.Errorf("%q: member %q is %q, want %q", b, k, member(b, k), v)
			}
		}
	})
}

// FuzzRequest sends any body to every dialect: each answer is valid JSON.
func FuzzRequest(f *testing.F) {
	for _, a := range answers {
		f.Add([]byte(a.body))
	}
	s := New(Options{MaxRecords: -1})
	strict := New(Options{MaxRecords: -1, Strict: true, NoRequestFaults: true})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, path := range append(dialectPaths, "/v1/embeddings", "/v1/messages/count_tokens") {
			for _, server := range []*Server{s, strict} {
				r := post(t, server, path, " "+strings.ReplaceAll(string(b), "sim", "mis"))
				if json.Valid(b) && r.header.Get("Content-Type") == "application/json" && !json.Valid([]byte(r.body)) {
					t.Errorf("%s: %q is answered with %d %s", path, b, r.status, r.body)
				}
			}
		}
	})
}

package route

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseWish(t *testing.T) {
	for _, test := range []struct {
		header string
		want   Wish
		err    string
	}{
		{"", Wish{}, ""},
		{" , ,", Wish{}, ""},
		{"strategy=cheapest", Wish{Strategy: Cheapest}, ""},
		{" strategy = fastest ,no-failover", Wish{Strategy: Fastest, NoFailover: true}, ""},
		{"provider=zai, provider=minimax|or/x", Wish{Prefer: []string{"zai", "minimax", "or/x"}}, ""},
		{"only=zai|minimax", Wish{Only: []string{"zai", "minimax"}}, ""},
		{"strategy=best", Wish{}, `no strategy "best"; there are [fastest cheapest ordered weighted round_robin least_in_flight]`},
		{"strategy=", Wish{}, "strategy needs a value"},
		{"only", Wish{}, "only needs a value"},
		{"provider=a||b", Wish{}, `empty name in "a||b"`},
		{"no-failover=yes", Wish{}, `no-failover takes no value, not "yes"`},
		{"fast", Wish{}, `no wish "fast"; there are strategy=, provider=, only= and no-failover`},
		{"Only=zai", Wish{}, `no wish "Only"; there are strategy=, provider=, only= and no-failover`},
		{strings.Repeat("only=a,", 17), Wish{}, "more than 16 names"},
		{strings.Repeat(",", 1025), Wish{}, "longer than 1024 bytes"},
	} {
		t.Run(test.header[:min(len(test.header), 40)], func(t *testing.T) {
			got, err := ParseWish(test.header)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("wish (-want +got):\n%s", d)
			}
			if text := errorText(err); text != test.err {
				t.Errorf("err %q, want %q", text, test.err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func FuzzParseWish(f *testing.F) {
	for _, s := range []string{"strategy=fastest", "provider=a|b, only=c", "no-failover", "only= a | b ,,", "=", "only=="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		w, err := ParseWish(header)
		if err != nil {
			return
		}
		again, err := ParseWish(w.String())
		if err != nil {
			t.Fatalf("%q does not read back: %v", w.String(), err)
		}
		if d := cmp.Diff(w, again); d != "" {
			t.Errorf("read back (-first +second):\n%s", d)
		}
	})
}

package dialect_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// What was dropped stands in a header of the answer, which must not grow with
// the request.
func TestFields_OfManyDroppedMembersTheFirstAreNamed(t *testing.T) {
	for n, last := range map[int]string{1: "k000", 64: "k063", 65: "and 1 more", 200: "and 136 more"} {
		var sb strings.Builder
		for i := range n {
			fmt.Fprintf(&sb, `,"k%03d":1`, i)
		}
		_, dropped, err := encodedAs([]byte(`{"input":"x"`+sb.String()+`}`), llm.Responses, llm.OpenAI, nil)
		if err != nil || len(dropped) != min(n, 65) || dropped[0] != "k000" || dropped[len(dropped)-1] != last {
			t.Errorf("%d members: %q, %v", n, dropped, err)
		}
	}
}

func TestFields_MemberDroppedTwiceIsNamedAndCountedOnce(t *testing.T) {
	f := dialect.NewFields(nil, 0)
	for range 2 {
		for i := range 70 {
			f.Drop(fmt.Sprint("k", i))
		}
	}
	if _, dropped, _ := f.Close(); len(dropped) != 65 || dropped[64] != "and 6 more" {
		t.Errorf("%q", dropped)
	}
}

func TestFields_LongNamesAreCut(t *testing.T) {
	f := dialect.NewFields(nil, 0)
	f.Drop("a" + strings.Repeat("é", 1<<20))
	if _, dropped, _ := f.Close(); len(dropped) != 1 || len(dropped[0]) > 200 || !utf8.ValidString(dropped[0]) || !strings.HasSuffix(dropped[0], "é…") {
		t.Errorf("%.300q", dropped)
	}
}

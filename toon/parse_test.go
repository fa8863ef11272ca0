package toon

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const positioned = `version: 1
# providers
providers[2:]{kind,limits{tier,"max tokens"}}:
  zai: zai,1,100
  "mini/max": "min\nimax",2,200
keys[2]{provider,secret}:
  zai,é,
models[2]:
  - alias: a
    targets[2]: x, y
  - [1]: z
~: tilde
größe:
  "a b": "q"
`

func TestPositions_PointAtTheSource(t *testing.T) {
	text := strings.Replace(positioned, "  zai,é,\n", "  zai,é\n  zai,\n", 1)
	doc, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ pointer, value, key string }{
		{"", "1:1", ""},
		{"/version", "1:10", "1:1"},
		{"/providers", "3:1", "3:1"},
		{"/providers/zai", "4:3", "4:3"},
		{"/providers/zai/kind", "4:8", "3:15"},
		{"/providers/zai/limits", "4:12", "3:20"},
		{"/providers/zai/limits/tier", "4:12", "3:27"},
		{"/providers/zai/limits/max tokens", "4:14", "3:32"},
		{"/providers/mini~1max", "5:3", "5:3"},
		{"/providers/mini~1max/kind", "5:15", "3:15"},
		{"/keys", "6:1", "6:1"},
		{"/keys/0", "7:3", ""},
		{"/keys/0/secret", "7:7", "6:18"},
		{"/keys/1/secret", "8:7", "6:18"},
		{"/models", "9:1", "9:1"},
		{"/models/0", "10:3", ""},
		{"/models/0/alias", "10:12", "10:5"},
		{"/models/0/targets", "11:5", "11:5"},
		{"/models/0/targets/1", "11:20", ""},
		{"/models/1", "12:3", ""},
		{"/models/1/0", "12:10", ""},
		{"/~0", "13:4", "13:1"},
		{"/größe", "14:1", "14:1"},
		{"/größe/a b", "15:10", "15:3"},
		{"/nothing", "", ""}, {"/keys/2", "", ""}, {"/keys/-", "", ""}, {"/keys/01", "", ""}, {"/version/x", "", ""}, {"version", "", ""}, {"/keys/0/", "", ""},
	} {
		t.Run(tc.pointer, func(t *testing.T) {
			if got := place(doc.Positions.Of(tc.pointer)); got != tc.value {
				t.Errorf("Of = %q, want %q", got, tc.value)
			}
			if got := place(doc.Positions.KeyOf(tc.pointer)); got != tc.key {
				t.Errorf("KeyOf = %q, want %q", got, tc.key)
			}
		})
	}
}

func place(p Position, ok bool) string {
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d:%d", p.Line, p.Column)
}

func TestPositions_IgnoreAByteOrderMark(t *testing.T) {
	doc, err := Parse([]byte("\ufeffa: 1"))
	if err != nil {
		t.Fatal(err)
	}
	if got := place(doc.Positions.Of("/a")); got != "1:4" {
		t.Errorf("Of = %s", got)
	}
	if len(doc.Warnings) != 1 || doc.Warnings[0].String() != "1:1: the document begins with a byte order mark: save it as UTF-8 without one" {
		t.Errorf("warnings: %v", doc.Warnings)
	}
}

func TestPositions_OfAnEmptyDocumentIsItsBeginning(t *testing.T) {
	doc, err := Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := place(doc.Positions.Of("")); got != "1:1" {
		t.Errorf("Of = %s", got)
	}
	var none Positions
	if got := place(none.Of("")); got != "1:1" {
		t.Errorf("Of = %s", got)
	}
}

func TestParse_KeepsComments(t *testing.T) {
	doc, err := Parse([]byte("# one \r\na:\n    #two\n  b: 1 # no\n#\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []Comment
	for c := range doc.Comments() {
		got = append(got, c)
	}
	want := []Comment{{1, 1, " one"}, {3, 5, "two"}, {5, 1, ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for range doc.Comments() {
		break // may be left early
	}
}

func TestParse_WarnsWhereCountsAreWrong(t *testing.T) {
	doc, err := Parse([]byte("keys[3]{a}:\n  1\n  2\n  3\n  4\nx[1|]: a|b\nm[9:]{v}:\n  k: 1\nl[2]:\n  - a\n  - t[0]: 1"), RepairCounts())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range doc.Warnings {
		got = append(got, w.String())
	}
	want := []string{
		"1:5: declared 3 rows, found 4: write keys[4]",
		"6:2: declared 1 value, found 2: write x[2|]",
		"7:2: declared 9 entries, found 1: write m[1:]",
		"11:6: declared 0 values, found 1: write t[1]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := `{"keys":[{"a":1},{"a":2},{"a":3},{"a":4}],"x":["a","b"],"m":{"k":{"v":1}},"l":["a",{"t":[1]}]}`; jsonOf(t, doc.Root) != want {
		t.Errorf("got %s", jsonOf(t, doc.Root))
	}
}

func TestParse_RepairingCountsIsStrictOtherwise(t *testing.T) {
	for _, doc := range []string{"a: 1\na: 2", "a[1]{b,c}:\n  1", "a:\n   b: 1", "[2]{a}:\n  1\n\n  2"} {
		if _, err := Parse([]byte(doc), RepairCounts()); err == nil {
			t.Errorf("Parse(%q) is no error", doc)
		}
	}
}

func TestParse_WarnsAboutWhatLooksLikeAHeader(t *testing.T) {
	doc, err := Parse([]byte("my-key[2]: a,b"))
	if err != nil {
		t.Fatal(err)
	}
	want := `1:1: a bracket in an unquoted key makes no array: quote the key before the bracket, as in "my-key"[2]:`
	if len(doc.Warnings) != 1 || doc.Warnings[0].String() != want {
		t.Errorf("warnings: %v", doc.Warnings)
	}
}

func TestParse_WarnsAboutLinesALenientReaderSkips(t *testing.T) {
	doc, err := Parse([]byte("a: 1\n  b: 2\nc[1]{d}:\n  1\n  e: 3"), Strict(false))
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, w := range doc.Warnings {
		lines = append(lines, w.Line)
	}
	if diff := cmp.Diff([]int{2, 5}, lines); diff != "" {
		t.Error(diff)
	}
}

func TestParse_KeepsAHundredWarnings(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "k%d[9]: 1\n", i)
	}
	doc, err := Parse([]byte(b.String()), RepairCounts())
	if err != nil || len(doc.Warnings) != 100 {
		t.Errorf("%d warnings, %v", len(doc.Warnings), err)
	}
}

package toon

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// level is read from text.
type level int

func (l *level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return fmt.Errorf("no level %q", text)
	}
	return nil
}

func (l level) MarshalText() ([]byte, error) { return []byte([]string{"", "low", "high"}[l]), nil }

// celsius is read from JSON.
type celsius struct{ degrees float64 }

func (c *celsius) UnmarshalJSON(data []byte) error {
	_, err := fmt.Sscanf(string(data), `"%gC"`, &c.degrees)
	return err
}

func (c celsius) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"%gC"`, c.degrees), nil }

type base struct {
	ID   int    `toon:"id"`
	Name string `toon:"name"`
}

// Extra is embedded by pointer.
type Extra struct {
	Note string `toon:"note,omitempty"`
}

type everything struct {
	base
	*Extra
	Tagged   string           `toon:"tagged" json:"other"`
	JSON     string           `json:"json_name"`
	Plain    uint8            // by its own name
	Skipped  string           `toon:"-"`
	private  string           //nolint:unused // shows that it is left alone
	Pointer  *int             `toon:"pointer"`
	List     []string         `toon:"list"`
	Fixed    [2]float32       `toon:"fixed"`
	Rows     []base           `toon:"rows"`
	Map      map[string]*base `toon:"map"`
	Levels   map[level]bool   `toon:"levels"`
	Level    level            `toon:"level"`
	Time     time.Time        `toon:"time"`
	Addr     netip.Addr       `toon:"addr"`
	Heat     celsius          `toon:"heat"`
	Any      any              `toon:"any"`
	Value    Value            `toon:"value"`
	Number   json.Number      `toon:"number"`
	Bytes    []byte           `toon:"bytes"`
	Nested   struct{ A int }  `toon:"nested"`
	OmitZero time.Time        `toon:"omit_zero,omitzero"`
}

const everythingText = `id: 7
name: seven
note: embedded
tagged: t
json_name: j
Plain: 200
pointer: 3
list[2]: a,b
fixed[2]: 1.5,2
rows[2]{id,name}:
  1,one
  2,two
map[2:]{id,name}:
  x: 3,three
  y: 4,four
levels:
  low: true
level: high
time: "2026-11-21T22:00:00Z"
addr: 10.0.0.1
heat: 36.6C
any:
  b[1]: 1
value:
  z: 1
  a: 2
number: 12345678901234567890
bytes: AQI=
nested:
  A: 1`

func everythingValue() everything {
	three := 3
	return everything{
		base: base{7, "seven"}, Extra: &Extra{"embedded"}, Tagged: "t", JSON: "j", Plain: 200, Pointer: &three,
		List: []string{"a", "b"}, Fixed: [2]float32{1.5, 2}, Rows: []base{{1, "one"}, {2, "two"}},
		Map:    map[string]*base{"x": {3, "three"}, "y": {4, "four"}},
		Levels: map[level]bool{1: true}, Level: 2, Time: time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC),
		Addr: netip.MustParseAddr("10.0.0.1"), Heat: celsius{36.6}, Any: map[string]any{"b": []any{int64(1)}},
		Value:  ObjectValue(Field{"z", IntValue(1)}, Field{"a", IntValue(2)}),
		Number: "12345678901234567890", Bytes: []byte{1, 2}, Nested: struct{ A int }{1},
	}
}

// compareEverything compares two of them; Values by their JSON.
func compareEverything(t *testing.T, want, got everything) {
	t.Helper()
	opts := cmp.Options{
		cmp.AllowUnexported(everything{}, celsius{}),
		cmp.Comparer(func(a, b Value) bool { return jsonOf(t, a) == jsonOf(t, b) }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	}
	if diff := cmp.Diff(want, got, opts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnmarshal_FillsEveryKindOfField(t *testing.T) {
	var got everything
	if err := Unmarshal([]byte(everythingText), &got, DisallowUnknownFields()); err != nil {
		t.Fatal(err)
	}
	compareEverything(t, everythingValue(), got)
}

func TestMarshal_WritesEveryKindOfField(t *testing.T) {
	v := everythingValue()
	v.Skipped, v.private = "x", "y"
	for name, in := range map[string]any{"value": v, "pointer": &v} {
		got, err := Marshal(in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(everythingText, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestUnmarshal_NullClearsWhatCanBeNilAndLeavesTheRest(t *testing.T) {
	one := 1
	v := struct {
		P *int
		M map[string]int
		S []int
		I any
		N int
		L level
		T struct{ A int }
		F [1]int
	}{&one, map[string]int{"a": 1}, []int{1}, 1, 1, 2, struct{ A int }{1}, [1]int{1}}
	want := v
	want.P, want.M, want.S, want.I = nil, nil, nil, nil
	if err := Unmarshal([]byte("P: null\nM: null\nS: null\nI: null\nN: null\nL: null\nT: null\nF: null"), &v); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
}

func TestUnmarshal_SaysWhereATypeDoesNotFit(t *testing.T) {
	for _, tc := range []struct{ name, doc, want string }{
		{"string", "name: 1", "1:7: /name: number where a string belongs"},
		{"integer", "id: x", "1:5: /id: string where a number belongs"},
		{"fraction", "id: 1.5", "1:5: /id: number 1.5 does not fit int"},
		{"overflow", "Plain: 256", "1:8: /Plain: number 256 does not fit uint8"},
		{"negative", "Plain: -1", "1:8: /Plain: number -1 does not fit uint8"},
		{"float", "fixed[1]: 1e39", "1:11: /fixed/0: number 1e+39 does not fit float32"},
		{"boolean", "levels:\n  low: 1", "2:8: /levels/low: number where a boolean belongs"},
		{"array", "list: a", "1:7: /list: string where an array belongs"},
		{"length", "fixed[3]: 1,2,3", "1:1: /fixed: 3 elements where 2 fit"},
		{"object", "nested[1]: 1", "1:1: /nested: array where an object belongs"},
		{"map", "map: x", "1:6: /map: string where an object belongs"},
		{"row", "rows[2]{id,name}:\n  1,a\n  x,b", "3:3: /rows/1/id: string where a number belongs"},
		{"entry", "map[1:]{id,name}:\n  a/b: x,y", "2:8: /map/a~1b/id: string where a number belongs"},
		{"text", "level: middling", `1:8: /level: no level "middling"`},
		{"text from a number", "level: 1", "1:8: /level: number where a string belongs"},
		{"text key", "levels:\n  middling: true", `2:13: /levels/middling: no level "middling"`},
		{"json", "heat: warm", "1:7: /heat: expected integer"},
		{"number", "number: x", "1:9: /number: string where a number belongs"},
		{"base64", `bytes: "?"`, "1:8: /bytes: not base64"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var v everything
			err := Unmarshal([]byte(tc.doc), &v)
			var typeErr *TypeError
			if !errors.As(err, &typeErr) {
				t.Fatalf("got %v, want a TypeError", err)
			}
			if tc.name != "json" && err.Error() != tc.want {
				t.Errorf("got %s\nwant %s", err, tc.want)
			}
			if typeErr.Line == 0 || !strings.HasPrefix(typeErr.Pointer, "/") {
				t.Errorf("no place in %+v", typeErr)
			}
		})
	}
}

func TestUnmarshal_RefusesTargetsItCannotFill(t *testing.T) {
	var (
		channel chan int
		keys    map[int]string
		reader  interface{ Read() }
	)
	for name, target := range map[string]any{"no pointer": 1, "nil": nil, "nil pointer": (*int)(nil), "channel": &channel, "int keys": &keys, "interface with methods": &reader} {
		if err := Unmarshal([]byte("a: 1"), target); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUnmarshal_UnknownFieldsAreRefusedOnRequest(t *testing.T) {
	var v base
	doc := []byte("id: 1\nnmae: x")
	if err := Unmarshal(doc, &v); err != nil {
		t.Errorf("by default: %v", err)
	}
	want := `2:7: /nmae: unknown field "nmae"`
	if err := Unmarshal(doc, &v, DisallowUnknownFields()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestUnmarshal_ReturnsSyntaxErrors(t *testing.T) {
	var v any
	var syntax *SyntaxError
	if err := Unmarshal([]byte("a"+"\nb"), &v); !errors.As(err, &syntax) {
		t.Errorf("got %v", err)
	}
}

func TestUnmarshal_TypeErrorsUnwrap(t *testing.T) {
	var v struct{ T time.Time }
	var parse *time.ParseError
	if err := Unmarshal([]byte("T: yesterday"), &v); !errors.As(err, &parse) && !strings.Contains(fmt.Sprint(err), "parsing time") {
		t.Errorf("got %v", err)
	}
	if err := decoded(t, "T: 1").Unmarshal(&v); err == nil || strings.HasPrefix(err.Error(), "1:") {
		t.Errorf("a value knows no positions, but the error is %v", err)
	}
}

func TestMarshal_NormalisesHostValues(t *testing.T) {
	type point struct {
		X, Y int `toon:",omitempty"`
	}
	var nilMap map[string]int
	holder := struct{ V Value }{IntValue(1)}
	for _, tc := range []struct {
		name string
		in   any
		want string
	}{
		{"nil", nil, "null"}, {"nil map", nilMap, "null"}, {"nil slice", []int(nil), "null"}, {"nil pointer", (*int)(nil), "null"},
		{"not a number", []any{1.5, nan()}, "[2]: 1.5,null"},
		{"float32", float32(0.1), "0.1"}, {"large float", 1e20, "100000000000000000000"}, {"uint64", uint64(1<<64 - 1), "18446744073709551615"},
		{"sorted keys", map[string]int{"b": 1, "a": 2, "c": 3}, "a: 2\nb: 1\nc: 3"}, {"integer keys", map[int]string{2: "b", -1: "a"}, "\"-1\": a\n\"2\": b"},
		{"omitted", []point{{1, 0}, {0, 0}}, "[2]:\n  - X: 1\n  -"},
		{"array", [2]bool{true, false}, "[2]: true,false"}, {"empty slice", []int{}, "[]"}, {"json number", json.Number("1.0"), "1"}, {"empty json number", json.Number(""), "0"},
		{"raw json", json.RawMessage(`{"b":[1],"a":{}}`), "b[1]: 1\na:"},
		{"interfaces", []any{"a", 1, []any{}, map[string]any{}}, "[4]:\n  - a\n  - 1\n  - [0]:\n  -"},
		{"value", []Value{StringValue("x")}, "[1]: x"}, {"root value", StringValue("x"), "x"}, {"pointer to a value", &holder, "V: 1"}, {"time", time.Unix(0, 0).UTC(), `"1970-01-01T00:00:00Z"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Marshal(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func nan() float64 { var zero float64; return zero / zero }

// failing cannot be written.
type failing struct{}

func (failing) MarshalText() ([]byte, error) { return nil, errors.New("no text") }

func TestMarshal_OmitsByTheRulesOfJSON(t *testing.T) {
	type sub struct{ A int }
	type optional struct {
		S sub       `toon:"s,omitempty"`
		Z sub       `toon:"z,omitzero"`
		P *sub      `toon:"p,omitempty"`
		L []int     `toon:"l,omitempty"`
		B bool      `toon:"b,omitempty"`
		T time.Time `toon:"t,omitzero"`
		Q *sub      `toon:"q,omitzero"`
	}
	got, err := Marshal(optional{})
	if err != nil || string(got) != "s:\n  A: 0" {
		t.Errorf("got %q, %v", got, err)
	}
	full := optional{sub{1}, sub{1}, &sub{1}, []int{1}, true, time.Unix(0, 0).UTC(), &sub{}}
	got, err = Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	var back optional
	if err := Unmarshal(got, &back); err != nil || !cmp.Equal(full, back) {
		t.Errorf("%v\n%s", err, cmp.Diff(full, back))
	}
}

func TestMarshal_TheOuterFieldHidesTheEmbeddedOne(t *testing.T) {
	type outer struct {
		base
		Name string `toon:"name"`
	}
	got, err := Marshal(outer{base{1, "inner"}, "outer"})
	if err != nil || string(got) != "id: 1\nname: outer" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestMarshal_RefusesWhatHasNoForm(t *testing.T) {
	type loop struct{ Next *loop }
	cycle := &loop{}
	cycle.Next = cycle
	var knot any
	knot = &knot
	for name, in := range map[string]any{
		"channel": make(chan int), "function": func() {}, "complex": 1i, "cycle": cycle, "pointer to itself": knot,
		"bad number": json.Number("x"), "bad json": json.RawMessage("{"), "keys": map[float64]int{1: 1}, "utf-8": "\xff",
		"text": failing{}, "map key": map[failing]int{{}: 1},
		"in a field": struct{ C chan int }{}, "in a map": map[string]any{"a": func() {}}, "in a slice": []any{make(chan int)},
	} {
		if text, err := Marshal(in); err == nil {
			t.Errorf("%s: got %q", name, text)
		}
	}
}

func TestMarshal_UnmarshalGivesTheStructBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := base{rapid.Int().Draw(t, "id"), strings.ToValidUTF8(rapid.String().Draw(t, "name"), "?")}
		list := rapid.SliceOfN(rapid.Map(rapid.Int(), func(i int) base { return base{i, in.Name} }), 1, 5).Draw(t, "list")
		data, err := Marshal(map[string][]base{"list": list, "one": {in}})
		if err != nil {
			t.Fatal(err)
		}
		var out map[string][]base
		if err := Unmarshal(data, &out); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(map[string][]base{"list": list, "one": {in}}, out); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestParser_ReadsAndWritesMaps(t *testing.T) {
	p := Parser(RepairCounts())
	m, err := p.Unmarshal([]byte("b: 1\na[3]: x"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"a": []any{"x"}, "b": int64(1)}, m); diff != "" {
		t.Error(diff)
	}
	text, err := p.Marshal(m)
	if err != nil || string(text) != "a[1]: x\nb: 1" {
		t.Errorf("Marshal = %q, %v", text, err)
	}
	for _, doc := range []string{"[1]: a", "a", "a: 1\na: 2"} {
		if _, err := Parser().Unmarshal([]byte(doc)); err == nil {
			t.Errorf("Unmarshal(%q) is no error", doc)
		}
	}
}

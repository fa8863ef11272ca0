package toon

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decoded reads a document that must be valid.
func decoded(t testing.TB, doc string, opts ...DecodeOption) Value {
	t.Helper()
	v, err := Decode([]byte(doc), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValue_ZeroIsNull(t *testing.T) {
	var v Value
	if !v.IsNull() || v.Len() != 0 || v.Str() != "" || v.Bool() || v.Number() != "" || v.Elems() != nil || v.Fields() != nil || v.Interface() != nil {
		t.Errorf("the zero Value is %s", jsonOf(t, v))
	}
	if text, err := Encode(v); err != nil || string(text) != "null" {
		t.Errorf("Encode = %q, %v", text, err)
	}
}

func TestValue_AccessorsWorkOnEveryView(t *testing.T) {
	doc := "list[2]:\n  - a\n  - x: 1\ninline[2]: 1,2\ntable[2]{a,b{c,d}}:\n  1,2,3\n  4,5,\"\\n\"\nkeyed[1:]{v}:\n  k: true\nempty: []\nnone:"
	v := decoded(t, doc)
	for _, tc := range []struct {
		key  string
		kind Kind
		want string
	}{
		{"list", KindArray, `["a",{"x":1}]`},
		{"inline", KindArray, `[1,2]`},
		{"table", KindArray, `[{"a":1,"b":{"c":2,"d":3}},{"a":4,"b":{"c":5,"d":"\n"}}]`},
		{"keyed", KindObject, `{"k":{"v":true}}`},
		{"empty", KindArray, `[]`},
		{"none", KindObject, `{}`},
	} {
		t.Run(tc.key, func(t *testing.T) {
			val, ok := v.Get(tc.key)
			if !ok || val.Kind() != tc.kind {
				t.Fatalf("Get = %s, %t", val.Kind(), ok)
			}
			if diff := cmp.Diff(tc.want, jsonOf(t, val)); diff != "" {
				t.Error(diff)
			}
			if got := len(val.Elems()) + len(val.Fields()); got != val.Len() {
				t.Errorf("%d children, Len says %d", got, val.Len())
			}
			copied := ObjectValue(Field{"copy", val})
			if diff := cmp.Diff(`{"copy":`+tc.want+`}`, jsonOf(t, copied)); diff != "" {
				t.Errorf("a copy differs: %s", diff)
			}
		})
	}
	table, _ := v.Get("table")
	row, ok := table.Index(1)
	if !ok || row.Fields()[1].Value.Fields()[1].Value.Str() != "\n" {
		t.Errorf("Index(1) = %s", jsonOf(t, row))
	}
	if _, ok := table.Index(2); ok {
		t.Error("Index(2) exists")
	}
	if elem, ok := table.Index(0); !ok || elem.Len() != 2 {
		t.Errorf("Index(0) = %s", jsonOf(t, elem))
	}
	for range row.Values() {
		t.Error("an object has elements")
	}
	for range table.All() {
		t.Error("an array has fields")
	}
	if _, ok := row.Get("z"); ok {
		t.Error(`Get("z") exists`)
	}
}

func TestValue_IterationStopsWhenAsked(t *testing.T) {
	v := decoded(t, "a: 1\nb[2]: 1,2")
	for key := range v.All() {
		if key != "a" {
			t.Errorf("went on to %q", key)
		}
		break
	}
	b, _ := v.Get("b")
	for elem := range b.Values() {
		if elem.Number() != "1" {
			t.Errorf("went on to %s", elem.Number())
		}
		break
	}
}

func TestValue_NumberIsCanonicalAndExact(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"0", "0"}, {"-0", "0"}, {"0.0", "0"}, {"-0e5", "0"}, {"0e99999999999999999999", "0"},
		{"1.0", "1"}, {"1.50", "1.5"}, {"-1.05e1", "-10.5"}, {"1e3", "1000"}, {"1E+3", "1000"}, {"12e-1", "1.2"},
		{"1e-6", "0.000001"}, {"1e-7", "1e-7"}, {"0.00000012", "1.2e-7"}, {"10e-8", "1e-7"},
		{"1e20", "100000000000000000000"}, {"1e21", "1e+21"}, {"1000000000000000000000", "1e+21"}, {"123456789012345678901234", "1.23456789012345678901234e+23"},
		{"99999999999999999999.25", "99999999999999999999.25"}, {"9007199254740993", "9007199254740993"},
		{"1e99999999999999999999", "1e99999999999999999999"}, {"1E-99999999999999999999", "1e-99999999999999999999"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			got := decoded(t, tc.text).Number().String()
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if again := canonicalNumber(got); again != got {
				t.Errorf("not canonical: becomes %s", again)
			}
		})
	}
}

func TestValue_InterfacePicksTheGoType(t *testing.T) {
	got := decoded(t, "[9]: 1,-1,1.5,1e3,9223372036854775807,9223372036854775808,1e999,x,null").Interface()
	want := []any{int64(1), int64(-1), 1.5, int64(1000), int64(math.MaxInt64), json.Number("9223372036854775808"), json.Number("1e+999"), "x", nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = decoded(t, "a[1]{b{c}}:\n  1\nd[0]:\ne:").Interface()
	if diff := cmp.Diff(any(map[string]any{
		"a": []any{map[string]any{"b": map[string]any{"c": int64(1)}}}, "d": []any{}, "e": map[string]any{},
	}), got); diff != "" {
		t.Error(diff)
	}
}

func TestValue_ConstructorsBuildWhatTheySay(t *testing.T) {
	number, err := NumberValue("1.50")
	if err != nil {
		t.Fatal(err)
	}
	v := ObjectValue(
		Field{"s", StringValue("x\"y")}, Field{"b", BoolValue(true)}, Field{"n", number}, Field{"z", Value{}},
		Field{"f", FloatValue(0.1)}, Field{"inf", FloatValue(math.Inf(1))}, Field{"i", IntValue(-3)},
		Field{"dup", IntValue(1)}, Field{"a", ArrayValue(IntValue(1), ArrayValue(), ObjectValue())}, Field{"dup", IntValue(2)},
	)
	want := `{"s":"x\"y","b":true,"n":1.5,"z":null,"f":0.1,"inf":null,"i":-3,"a":[1,[],{}],"dup":2}`
	if diff := cmp.Diff(want, jsonOf(t, v)); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "x", "01", "+1", "1.", ".5", "NaN", "1 "} {
		if _, err := NumberValue(bad); err == nil {
			t.Errorf("NumberValue(%q) is no error", bad)
		}
	}
}

func TestKind_HasTheNameOfJSONSchema(t *testing.T) {
	v := decoded(t, "[6]:\n  - null\n  - true\n  - 1\n  - a\n  - []\n  -")
	var names []string
	for elem := range v.Values() {
		names = append(names, elem.Kind().String())
	}
	if diff := cmp.Diff([]string{"null", "boolean", "number", "string", "array", "object"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestMarshalJSON_ReplacesInvalidUTF8(t *testing.T) {
	if got := jsonOf(t, StringValue("a\xffb")); got != "\"a\uFFFDb\"" {
		t.Errorf("got %q", got)
	}
}

func TestFromJSON_KeepsOrderAndNumbers(t *testing.T) {
	text := `{"z":1,"a":[1.50,12345678901234567890,{"q":null}],"m":{"y":true,"b":"\u00e9\n"}}`
	v, err := FromJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"z":1,"a":[1.5,12345678901234567890,{"q":null}],"m":{"y":true,"b":"é\n"}}`
	if diff := cmp.Diff(want, jsonOf(t, v)); diff != "" {
		t.Error(diff)
	}
	var holder struct{ V Value }
	if err := json.Unmarshal([]byte(`{"V":{"b":1,"a":2}}`), &holder); err != nil || jsonOf(t, holder.V) != `{"b":1,"a":2}` {
		t.Errorf("json.Unmarshal: %s, %v", jsonOf(t, holder.V), err)
	}
}

func TestFromJSON_RefusesWhatIsNotOneValue(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "truncated": `{"a":`, "two values": `1 2`, "rubbish": `{a}`, "trailing rubbish": `[1]]`,
		"duplicate key": `{"a":1,"b":{"c":1,"c":2}}`, "no comma": `[1 2]`,
	} {
		t.Run(name, func(t *testing.T) {
			if v, err := FromJSON([]byte(text)); err == nil {
				t.Errorf("FromJSON(%s) = %s", text, jsonOf(t, v))
			} else if !strings.HasPrefix(err.Error(), "reading JSON: ") {
				t.Errorf("the message is %q", err)
			}
		})
	}
}

func TestEncode_RefusesWhatNoDecoderReads(t *testing.T) {
	if text, err := Encode(StringValue("\xff")); err == nil {
		t.Errorf("invalid UTF-8 became %q", text)
	}
	deep := IntValue(1)
	for range 65 {
		deep = ObjectValue(Field{"a", deep})
	}
	if _, err := Encode(deep); err == nil {
		t.Error("65 levels are accepted")
	}
	if _, err := Encode(deep, MaxDepth(65)); err != nil {
		t.Error(err)
	}
	for name, doc := range map[string]string{
		"empty array": `[[]]`, "inline": `[[1]]`, "table": `[{"a":1}]`, "keyed": `{"a":{"b":1},"c":{"b":2}}`, "object": `{"a":{}}`, "items": `[{},1]`,
	} {
		v, err := FromJSON([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Encode(v, MaxDepth(1)); err == nil {
			t.Errorf("%s: two levels are accepted where one is allowed", name)
		}
		if _, err := Encode(v, MaxDepth(2)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

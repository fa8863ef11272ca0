package toon

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// same reports whether two values are equal under the JSON model: the order of
// keys does not count, because tables may change it (§2), numbers count by
// value.
func same(a, b Value) bool {
	if a.Kind() != b.Kind() || a.Len() != b.Len() {
		return false
	}
	switch a.Kind() {
	case KindArray:
		other := b.Elems()
		for i, elem := range a.Elems() {
			if !same(elem, other[i]) {
				return false
			}
		}
		return true
	case KindObject:
		for key, val := range a.All() {
			if other, ok := b.Get(key); !ok || !same(val, other) {
				return false
			}
		}
		return true
	default:
		return a.Bool() == b.Bool() && a.Number() == b.Number() && a.Str() == b.Str()
	}
}

func genEncodeOptions(t *rapid.T) (encode []EncodeOption, decode []DecodeOption) {
	indent := IndentSize(rapid.SampledFrom([]int{2, 1, 4}).Draw(t, "indent"))
	delim := rapid.SampledFrom([]DelimiterOption{Comma, Tab, Pipe}).Draw(t, "delimiter")
	return []EncodeOption{indent, Delimiter(delim)}, []DecodeOption{indent}
}

func TestEncode_DecodingGivesTheValueBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := genDocument().Draw(t, "value")
		encode, decode := genEncodeOptions(t)
		data, err := Encode(v, encode...)
		if err != nil {
			t.Fatal(err)
		}
		for _, strict := range []bool{true, false} {
			got, err := Decode(data, append(decode, Strict(strict))...)
			if err != nil {
				t.Fatalf("strict %t: Decode: %v\n%s", strict, err, data)
			}
			if !same(v, got) {
				want, _ := v.MarshalJSON()
				have, _ := got.MarshalJSON()
				t.Fatalf("strict %t: got %s, want %s, through\n%s", strict, have, want, data)
			}
		}
	})
}

func TestEncode_IsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := genDocument().Draw(t, "value")
		encode, decode := genEncodeOptions(t)
		first, err := Encode(v, encode...)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(first, decode...)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Encode(again, encode...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(first), string(second)); diff != "" {
			t.Fatalf("the second encoding differs:\n%s", diff)
		}
	})
}

func TestFormat_OfCanonicalTextAddsANewline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data, err := Encode(genDocument().Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Format(data)
		if err != nil {
			t.Fatal(err)
		}
		if want := string(data) + "\n"; string(got) != want && len(data) > 0 {
			t.Fatalf("Format changed canonical text:\n%s", cmp.Diff(want, string(got)))
		}
	})
}

func TestFromJSON_MarshalJSONGivesTheValueBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := genDocument().Draw(t, "value")
		data, err := v.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := FromJSON(data)
		if err != nil {
			t.Fatalf("FromJSON(%s): %v", data, err)
		}
		again, _ := got.MarshalJSON()
		if !bytes.Equal(data, again) {
			t.Fatalf("got %s, want %s", again, data)
		}
	})
}

package schema

import (
	"errors"
	"math"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"
)

// wholeSchema is aimux.schema.json in a validator that knows all of JSON Schema.
var wholeSchema = sync.OnceValue(func() *jsonschema.Schema {
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	if err := c.AddResource("aimux.schema.json", strings.NewReader(schemaJSON)); err != nil {
		panic(err)
	}
	return c.MustCompile("aimux.schema.json")
})

// byLibrary says in our words what that validator finds wrong with a tree.
func byLibrary(t testing.TB, tree map[string]any) []finding {
	t.Helper()
	var invalid *jsonschema.ValidationError
	if err := wholeSchema().Validate(tree); err == nil {
		return nil
	} else if !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	var out []finding
	eachLeaf(invalid, func(leaf *jsonschema.ValidationError) {
		out = append(out, inOurWords(t, leaf, tree)...)
	})
	return out
}

func eachLeaf(e *jsonschema.ValidationError, visit func(*jsonschema.ValidationError)) {
	if len(e.Causes) == 0 {
		visit(e)
	}
	for _, cause := range e.Causes {
		eachLeaf(cause, visit)
	}
}

func inOurWords(t testing.TB, leaf *jsonschema.ValidationError, tree map[string]any) []finding {
	pointer, err := url.PathUnescape(leaf.InstanceLocation)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(leaf.KeywordLocation, "/propertyNames") {
		return []finding{badName(pointer)}
	}
	s, keyword := rootSpec().at(pointer), path.Base(leaf.KeywordLocation)
	v, _ := lookup(tree, pointer)
	switch keyword {
	case "additionalProperties":
		return unknownMembers(s, v, pointer)
	case "required":
		return missingMembers(s, v, pointer)
	}
	f := finding{pointer: pointer}
	f.msg, f.hint = s.explainValue(keyword, v, pointer)
	if f.msg == "" {
		t.Fatalf("%s: nothing to say about %s: %s", pointer, keyword, leaf.Message)
	}
	return []finding{f}
}

// inOrder sorts findings; one that stands twice counts once.
func inOrder(findings []finding) []finding {
	slices.SortFunc(findings, byPointer)
	return slices.Compact(findings)
}

func TestConformer_AgreesWithALibrary(t *testing.T) {
	for name, tree := range map[string]map[string]any{
		"good":            {"version": int64(1), "routing": map[string]any{"strategy": "fastest"}},
		"unknown section": {"version": int64(1), "routnig": map[string]any{}},
		"bad value":       {"routing": map[string]any{"strategy": "fastes"}},
		"bad in a row":    {"keys": []any{map[string]any{"provider": "zai", "weight": int64(-1)}}},
		"deep":            {"providers": map[string]any{"zai": map[string]any{"params": map[string]any{"max_stop": "x", "nosuch": true}}}},
		"bad names":       {"aliases": map[string]any{"a b": map[string]any{}, "**" + strings.Repeat("x", 300): map[string]any{}}, "providers": map[string]any{"A/~": nil}},
		"null":            {"providers": nil, "routing": map[string]any{"strategy": nil}},
		"fractions":       {"version": 1.5, "limits": map[string]any{"queue": 1e300}},
	} {
		t.Run(name, func(t *testing.T) {
			want := inOrder(byLibrary(t, tree))
			if got := inOrder(validate(tree, memberNames(tree, map[string]bool{}))); !slices.Equal(got, want) {
				t.Errorf("\ngot  %v\nwant %v", got, want)
			}
			if (len(want) == 0) != (name == "good") {
				t.Errorf("the library: %v", want)
			}
		})
	}
}

func TestProperty_ConformerAgreesWithALibrary(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tree := anyObject(r, rootSpec(), "document")
		want := inOrder(byLibrary(t, tree))
		if got := inOrder(validate(tree, memberNames(tree, map[string]bool{}))); !slices.Equal(got, want) {
			r.Fatalf("%v\ngot  %v\nwant %v", tree, got, want)
		}
	})
}

// strange are values that are wrong in most places, and texts that are just
// within or beyond what the patterns and lengths of the schema allow.
var strange = []any{
	nil, true, false, "", " ", "x y", "*", "a*", "zai", "A", "é", "1", "10s", "1h30m", "1.5s", "0.s", "4MiB", "4mb", "12", "2026-01-01", "2026-01-01T10:00Z",
	strings.Repeat("n", 63), strings.Repeat("n", 64), strings.Repeat("é", 256), strings.Repeat("é", 257), strings.Repeat("x", 5000),
	int64(-1), int64(0), int64(1), int64(2), int64(1000), int64(1000001), int64(math.MaxInt64), -0.5, 0.25, 1.5, 1e30,
	map[string]any{}, map[string]any{"x": int64(1)}, []any{}, []any{nil}, []any{"x", "x y"},
}

// edges are the values on either side of the bounds of a number or text.
func edges(s *spec) []any {
	var out []any
	for _, bound := range []string{s.min, s.max} {
		if n, err := strconv.ParseFloat(bound, 64); err == nil {
			out = append(out, int64(n)-1, int64(n), int64(n)+1, n+0.5)
		}
	}
	for _, length := range []int{s.short, s.long} {
		if length > 0 {
			out = append(out, strings.Repeat("x", length-1), strings.Repeat("x", length), strings.Repeat("x", length+1))
		}
	}
	return out
}

func TestConformer_BoundsAreThoseOfALibrary(t *testing.T) {
	eachSpec(rootSpec(), "", func(at string, s *spec) {
		for _, v := range edges(s) {
			tree := treeWith(at, v)
			if got, want := inOrder(validate(tree, memberNames(tree, map[string]bool{}))), inOrder(byLibrary(t, tree)); !slices.Equal(got, want) {
				t.Errorf("%s: %v\ngot  %v\nwant %v", at, v, got, want)
			}
		}
	})
}

// anyMember draws a value for a place of the schema, right or wrong.
func anyMember(t *rapid.T, s *spec, label string) any {
	if rapid.IntRange(0, 4).Draw(t, label+"?") == 0 {
		return rapid.SampledFrom(strange).Draw(t, label)
	}
	switch {
	case s.is("object"):
		return anyObject(t, s, label)
	case s.is("array"):
		out := make([]any, rapid.IntRange(0, 3).Draw(t, label))
		for i := range out {
			out[i] = anyMember(t, s.items, label+"/"+strconv.Itoa(i))
		}
		return out
	case len(s.examples) > 0 && rapid.Bool().Draw(t, label+"!"):
		return rapid.SampledFrom(s.examples).Draw(t, label).plain()
	}
	return anyValue(t, s, label)
}

func anyObject(t *rapid.T, s *spec, label string) map[string]any {
	out := map[string]any{}
	names := slices.Collect(s.names())
	names = append(names, "nosuch", "a/b", "a~b", "ü", "two words")
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 5, rapid.ID).Draw(t, label) {
		m := s.member(name)
		if m == nil {
			out[name] = rapid.SampledFrom(strange).Draw(t, label)
			continue
		}
		out[name] = anyMember(t, m, label+"/"+name)
	}
	return out
}

// FuzzConformer holds the conformer against the library with whole documents.
func FuzzConformer(f *testing.F) {
	seed(f, ".json")
	f.Fuzz(func(t *testing.T, data []byte) {
		n, ps := parseJSON(data)
		if len(ps) > 0 || n.kind != kindObject || len(n.checkKeys("", noPlace)) > 0 {
			return
		}
		tree := n.plainObject()
		names := memberNames(tree, map[string]bool{})
		if names[""] || len(rootSpec().crowded(tree, "")) > 0 {
			return // the library places what is wrong with an empty name elsewhere
		}
		if got, want := inOrder(validate(tree, names)), inOrder(byLibrary(t, tree)); !slices.Equal(got, want) {
			t.Fatalf("\ngot  %v\nwant %v", got, want)
		}
	})
}

// TestConformer_KnowsEveryKeywordOfTheSchema fails when the schema demands
// something in a way that nothing here understands.
func TestConformer_KnowsEveryKeywordOfTheSchema(t *testing.T) {
	people := []string{"title", "description", "default", "examples", "$schema", "$id", "$defs"}
	demands := []string{
		"type", "enum", "required", "properties", "additionalProperties", "propertyNames", "items",
		"maxProperties", "maxItems", "minimum", "maximum", "minLength", "maxLength", "pattern",
	}
	eachSchema(schemaRoot(), func(n *node) {
		for _, f := range n.fields {
			switch {
			case slices.Contains(people, f.key):
			case f.key == "$ref":
				if f.key != n.fields[0].key {
					t.Errorf("%s: something stands before the reference", f.value.text)
				}
				for _, beside := range n.fields {
					if slices.Contains(demands, beside.key) {
						t.Errorf("%s: %s beside a reference", f.value.text, beside.key)
					}
				}
			case !slices.Contains(demands, f.key):
				t.Errorf("the keyword %s is not understood: %s", f.key, n.compact())
			case f.key == "enum" && n.get("type").text != "string":
				t.Errorf("an enum of something else than strings: %s", n.compact())
			}
		}
	})
}

// eachSchema visits every schema object of the schema.
func eachSchema(n *node, visit func(*node)) {
	if n == nil || n.kind != kindObject {
		return
	}
	visit(n)
	for _, members := range []*node{n.get("properties"), n.get("$defs")} {
		if members != nil {
			for _, f := range members.fields {
				eachSchema(f.value, visit)
			}
		}
	}
	for _, keyword := range []string{"additionalProperties", "propertyNames", "items"} {
		eachSchema(n.get(keyword), visit)
	}
}

func BenchmarkValidate(b *testing.B) {
	data, err := os.ReadFile("../examples/team.json")
	if err != nil {
		b.Fatal(err)
	}
	n, ps := parseJSON(data)
	if len(ps) > 0 {
		b.Fatal(ps)
	}
	tree := n.plainObject()
	names := memberNames(tree, map[string]bool{})
	b.ReportAllocs()
	for b.Loop() {
		if out := validate(tree, names); len(out) > 0 {
			b.Fatal(out)
		}
	}
}

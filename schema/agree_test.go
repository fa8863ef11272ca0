package schema

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The schema and Config must name the same fields with the same types; these
// tests walk both.

func TestConfig_AgreesWithTheSchemaFieldByField(t *testing.T) {
	agree(t, "", rootSpec(), reflect.TypeFor[Config]())
}

func agree(t *testing.T, at string, s *spec, typ reflect.Type) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if want := jsonType(typ); !s.is(want) {
		t.Errorf("%s: the schema says %v, Config says %s", at, s.types, want)
		return
	}
	switch {
	case isText(typ):
	case typ.Kind() == reflect.Struct:
		agreeFields(t, at, s, typ)
	case typ.Kind() == reflect.Map:
		agree(t, at+"/*", s.extra, typ.Elem())
	case typ.Kind() == reflect.Slice:
		agree(t, at+"/0", s.items, typ.Elem())
	}
}

func agreeFields(t *testing.T, at string, s *spec, typ reflect.Type) {
	t.Helper()
	inConfig := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(typ) {
		if f.Anonymous {
			continue
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" {
			inConfig[name] = f
		}
	}
	for _, f := range s.fields {
		field, ok := inConfig[f.name]
		if !ok {
			t.Errorf("%s/%s: in the schema, not in Config", at, f.name)
			continue
		}
		delete(inConfig, f.name)
		agree(t, at+"/"+f.name, f, field.Type)
	}
	for name := range inConfig {
		t.Errorf("%s/%s: in Config, not in the schema", at, name)
	}
}

func isText(typ reflect.Type) bool {
	return reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func jsonType(typ reflect.Type) string {
	if isText(typ) {
		return "string"
	}
	switch typ.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.String:
		return "string"
	case reflect.Slice:
		return "array"
	}
	return "object"
}

func TestSchema_EveryFieldIsDescribed(t *testing.T) {
	eachSpec(rootSpec(), "", func(at string, s *spec) {
		if s.title == "" || !strings.HasSuffix(s.text, ".") || len(s.examples) == 0 && at != "" && len(s.fields) == 0 {
			t.Errorf("%s: title %q, description %q, %d examples", at, s.title, s.text, len(s.examples))
		}
	})
}

func eachSpec(s *spec, at string, visit func(string, *spec)) {
	if !strings.HasSuffix(at, "/*") {
		visit(at, s)
	}
	for _, f := range s.fields {
		eachSpec(f, at+"/"+f.name, visit)
	}
	for _, f := range []*spec{s.extra, s.items} {
		if f != nil {
			eachSpec(f, at+"/*", visit)
		}
	}
}

func TestSchema_ExamplesAndDefaultsAreValid(t *testing.T) {
	eachSpec(rootSpec(), "", func(at string, s *spec) {
		values := slices.Clone(s.examples)
		if s.def != nil {
			values = append(values, s.def)
		}
		for _, v := range values {
			tree := treeWith(at, v.plain())
			findings, err := validate(tree, memberNames(tree, map[string]bool{}))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				if strings.HasPrefix(f.pointer, strings.ReplaceAll(at, "*", "x")) && !strings.HasSuffix(f.msg, "is missing") {
					t.Errorf("%s: the example %s is not valid: %s", at, v.compact(), f.msg)
				}
			}
		}
	})
}

// treeWith makes a document that has a value at a place of the schema.
func treeWith(at string, v any) map[string]any {
	steps := splitPointer(at)
	s := rootSpec()
	chain := []*spec{s}
	for _, step := range steps {
		if step == "*" && s.items != nil {
			s = s.items
		} else {
			s = s.member(step)
		}
		chain = append(chain, s)
	}
	for i := len(steps) - 1; i >= 0; i-- {
		switch {
		case steps[i] == "*" && chain[i].items != nil:
			v = []any{v}
		case steps[i] == "*":
			v = map[string]any{"x": v}
		default:
			v = map[string]any{steps[i]: v}
		}
	}
	tree, _ := v.(map[string]any)
	return tree
}

func TestDefaults_AreTheSchemasOwn(t *testing.T) {
	c := Defaults()
	for _, tc := range []struct {
		name      string
		got, want any
	}{
		{"version", c.Version, Version},
		{"strategy", c.Routing.Strategy, "fastest"},
		{"connect", c.Timeouts.Connect.String(), "5s"},
		{"total", c.Timeouts.Total.String(), "30m"},
		{"body", c.Limits.Body, Size(32 << 20)},
		{"event", c.Limits.Event, Size(8 << 20)},
		{"response", c.Limits.Response, Size(64 << 20)},
		{"log", c.Log.Exchanges, "all"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s is %v, want %v", tc.name, tc.got, tc.want)
		}
	}
	if len(c.Providers) != 0 {
		t.Errorf("providers without being asked: %v", c.Providers)
	}
}

func TestSchema_VersionIsWhereTheUpgradesEnd(t *testing.T) {
	if len(steps()) != Version {
		t.Errorf("%d upgrade steps lead to version %d", len(steps()), Version)
	}
}

func TestExcerpt_ChecksItsSectionsAsTheWholeSchemaDoes(t *testing.T) {
	all := everyName()
	for name, tree := range map[string]map[string]any{
		"good":            {"version": int64(1), "routing": map[string]any{"strategy": "fastest"}},
		"unknown section": {"version": int64(1), "routnig": map[string]any{}},
		"bad value":       {"routing": map[string]any{"strategy": "fastes"}},
		"bad in a row":    {"keys": []any{map[string]any{"provider": "zai", "weight": int64(-1)}}},
		"deep":            {"providers": map[string]any{"zai": map[string]any{"params": map[string]any{"max_stop": "x", "nosuch": true}}}},
	} {
		t.Run(name, func(t *testing.T) {
			whole, err := validate(tree, all)
			if err != nil {
				t.Fatal(err)
			}
			part, err := validate(tree, memberNames(tree, map[string]bool{}))
			if err != nil || !slices.Equal(whole, part) {
				t.Errorf("the whole says %v, the excerpt %v (%v)", whole, part, err)
			}
			if (len(whole) == 0) != (name == "good") {
				t.Errorf("findings: %v", whole)
			}
		})
	}
}

// TestSchema_DefaultsNeedNotBeThere holds what lets a document be checked before
// its defaults are filled in.
func TestSchema_DefaultsNeedNotBeThere(t *testing.T) {
	eachSpec(rootSpec(), "", func(at string, s *spec) {
		for _, name := range s.required {
			if m := s.member(name); m != nil && m.def != nil {
				t.Errorf("%s/%s has a default and is required", at, name)
			}
		}
	})
}

// TestSchema_MeansTheSameInDraft7 holds what lets excerpts be written in it.
func TestSchema_MeansTheSameInDraft7(t *testing.T) {
	forPeople := []string{"title", "description", "examples", "default"}
	known := append(forPeople, "type", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "properties", "additionalProperties", "required",
		"propertyNames", "maxProperties", "items", "maxItems", "$ref", "$schema", "$id", "$defs")
	var visit func(at string, n *node)
	visit = func(at string, n *node) {
		for _, f := range n.fields {
			switch {
			case !slices.Contains(known, f.key):
				t.Errorf("%s: nothing is known of %s in draft 7", at, f.key)
			case n.get("$ref") != nil && f.key != "$ref" && !slices.Contains(forPeople, f.key):
				t.Errorf("%s: draft 7 does not look at %s beside $ref", at, f.key)
			case f.key == "properties" || f.key == "$defs":
				for _, m := range f.value.fields {
					visit(at+"/"+m.key, m.value)
				}
			case f.key == "items" || f.key == "additionalProperties" || f.key == "propertyNames":
				visit(at+"/"+f.key, f.value)
			}
		}
	}
	visit("", schemaRoot())
}

// everyName lists the names of all members the schema knows.
func everyName() map[string]bool {
	names := map[string]bool{}
	eachSpec(rootSpec(), "", func(_ string, s *spec) { names[s.name] = true })
	return names
}

func BenchmarkCompile(b *testing.B) {
	named := func(names ...string) map[string]bool {
		out := map[string]bool{}
		for _, n := range names {
			out[n] = true
		}
		return out
	}
	for name, names := range map[string]map[string]bool{
		"usual":  named("version", "providers", "kind", "tier", "keys", "provider", "name", "account", "secret", "models", "alias", "model"),
		"little": named("version", "routing", "strategy"), "all": everyName(),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := compile(names); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

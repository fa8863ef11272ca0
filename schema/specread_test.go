package schema

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// schemaRoot is the schema as a document, by the parser that trusts nobody.
var schemaRoot = sync.OnceValue(func() *node {
	root, ps := parseJSON([]byte(schemaJSON))
	if len(ps) > 0 {
		panic("aimux.schema.json: " + ps[0].String())
	}
	return root
})

func TestSpecReader_ReadsWhatAParserOfDocumentsReads(t *testing.T) {
	want := specOf("", schemaRoot(), schemaRoot().get("$defs"))
	same := cmp.Options{
		cmp.AllowUnexported(spec{}, node{}, field{}), cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(node{}, "pos"), cmpopts.IgnoreFields(field{}, "pos"),
	}
	if d := cmp.Diff(want, rootSpec(), same); d != "" {
		t.Errorf("(-parser +reader)\n%s", d)
	}
}

func TestSpecReader_ReadsEveryFormOfAValue(t *testing.T) {
	for _, text := range []string{
		`"plain"`, `"a \"quoted\" \\"`, `"\u00e9\n"`, `""`, `true`, `false`, `null`, `-1.5e3`, `[]`, `{}`,
		`[ 1, [ "x" , { "a" : null } ] ,true ]`, `{"a b": {"c": []}, "d,]}": "e,]}"}`,
	} {
		want, ps := parseJSON([]byte(text))
		if len(ps) > 0 {
			t.Fatal(ps)
		}
		r := specReader{text: " " + text + "\n"}
		if got := r.node(); string(got.compact()) != string(want.compact()) {
			t.Errorf("%s is read as %s", text, got.compact())
		}
		if r.at != len(text)+1 {
			t.Errorf("%s: read up to %d", text, r.at)
		}
		r.at = 0
		if r.skip(); r.at != len(text)+1 {
			t.Errorf("%s: passed over up to %d", text, r.at)
		}
	}
}

// specOf reads one schema object from a parsed document; defs holds the
// definitions it may refer to.
func specOf(name string, n, defs *node) *spec {
	s := &spec{}
	if ref := n.get("$ref"); ref != nil {
		id := strings.TrimPrefix(ref.text, "#/$defs/")
		s = specOf(id, defs.get(id), defs)
		s.ref = id
	}
	s.name = name
	for _, f := range n.fields {
		s.set(f.key, f.value, defs)
	}
	return s
}

func (s *spec) set(keyword string, v, defs *node) {
	switch keyword {
	case "title":
		s.title = v.text
	case "description":
		s.text = v.text
	case "type":
		s.types = v.texts()
		if v.text != "" {
			s.types = []string{v.text}
		}
	case "enum":
		s.enum = v.texts()
	case "required":
		s.required = v.texts()
	case "properties":
		for _, f := range v.fields {
			s.fields = append(s.fields, specOf(f.key, f.value, defs))
		}
	case "additionalProperties":
		s.closed = v.kind == kindBool && !v.truth
		if v.kind == kindObject {
			s.extra = specOf("*", v, defs)
		}
	case "propertyNames":
		s.naming = specOf("", v, defs)
	case "items":
		s.items = specOf("*", v, defs)
	case "default":
		s.def = v
	case "examples":
		s.examples = v.elems
	case "maxProperties", "maxItems":
		s.most, _ = strconv.Atoi(v.text)
	case "minLength":
		s.short, _ = strconv.Atoi(v.text)
	case "maxLength":
		s.long, _ = strconv.Atoi(v.text)
	case "pattern":
		s.pattern = v.text
	case "minimum":
		s.min = v.text
	case "maximum":
		s.max = v.text
	}
}

// texts returns the strings of a list.
func (n *node) texts() []string {
	var out []string
	for _, e := range n.elems {
		out = append(out, e.text)
	}
	return out
}

// BenchmarkSpec is what every start pays for the schema; parsing is what it was
// before.
func BenchmarkSpec(b *testing.B) {
	b.Run("reading", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := specReader{text: schemaJSON, defs: map[string]int{}, read: map[string]*spec{}}
			r.root()
		}
	})
	b.Run("parsing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			root, _ := parseJSON([]byte(schemaJSON))
			specOf("", root, root.get("$defs"))
		}
	})
}

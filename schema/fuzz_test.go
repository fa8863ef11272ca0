package schema

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// seed adds every document of testdata and examples with one of the endings.
func seed(f *testing.F, endings ...string) {
	f.Helper()
	for _, dir := range []string{"testdata/valid", "testdata/invalid", "../examples"} {
		for _, ending := range endings {
			paths, err := filepath.Glob(filepath.Join(dir, "*"+ending))
			if err != nil {
				f.Fatal(err)
			}
			for _, path := range paths {
				data, err := os.ReadFile(path)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(data)
			}
		}
	}
}

// FuzzParseJSON holds the parser against encoding/json: what it takes, that
// takes too, with the same value.
func FuzzParseJSON(f *testing.F) {
	seed(f, ".json")
	f.Add([]byte(`[1.0,-0,1e5,"\ud800","é",null]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, ps := parseJSON(data)
		if len(ps) > 0 {
			if ps[0].Line < 1 || ps[0].Column < 1 {
				t.Fatalf("a problem without a place: %v", ps[0])
			}
			return
		}
		var want any
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if got := n.plain(); len(n.checkKeys("", noPlace)) == 0 && !reflect.DeepEqual(got, plainNumbers(want)) {
			t.Fatalf("got %#v, want %#v", got, want)
		}
		again, ps := parseJSON(n.compact())
		if len(ps) > 0 || !bytes.Equal(again.compact(), n.compact()) {
			t.Fatalf("written and read again: %v\n%s\n%s", ps, n.compact(), again.compact())
		}
	})
}

func noPlace(string) Position { return Position{} }

func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return number(v.String())
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	}
	return v
}

// FuzzParseYAML holds that what is read as YAML says the same written as JSON and
// as YAML again.
func FuzzParseYAML(f *testing.F) {
	seed(f, ".yaml")
	f.Add([]byte("a: |\n  x\n  y\nb: >-\n  z\n? c\n: d\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, ps := parse(data, YAML, "a.yaml")
		if len(ps) > 0 {
			return
		}
		for _, format := range []string{JSON, YAML} {
			text, err := emit(doc.root, format)
			if err != nil {
				t.Fatalf("writing %s: %v", format, err)
			}
			back, ps := parse(text, format, "b")
			if len(ps) > 0 && strings.Contains(ps[0].Msg, "bytes") {
				return // a folded text can become a longer line
			}
			if len(ps) > 0 || !reflect.DeepEqual(back.root.plain(), doc.root.plain()) {
				t.Fatalf("as %s: %v\n%s\nfrom\n%q", format, ps, text, data)
			}
		}
	})
}

// FuzzLoad holds that no document of any format makes the pipeline panic, that
// what loads is valid when embedded, and that no message repeats a literal
// secret.
func FuzzLoad(f *testing.F) {
	for i, ending := range []string{".toon", ".json", ".yaml"} {
		paths, _ := filepath.Glob("testdata/*/*" + ending)
		for _, path := range paths {
			if data, err := os.ReadFile(path); err == nil {
				f.Add(uint8(i), string(data), "AIMUX_PROVIDERS__ZAI__TIER", "2")
			}
		}
	}
	f.Add(uint8(1), `{"version":1}`, "AIMUX_KEYS__0__SECRET", "env:A")
	k := Known{Kinds: map[string]Kind{"zai": {Models: []string{"glm-5.2"}, Env: []string{"ZAI_API_KEY"}, Discover: true}, "simulator": {KeyOptional: true}}}
	f.Fuzz(func(t *testing.T, format uint8, text, variable, value string) {
		o := Options{Path: "a." + Formats()[int(format)%3], Data: []byte(text), Known: k,
			Environ: []string{variable + "=" + value, "ZAI_API_KEY=canary-value"}}
		r, err := Load(o)
		if err != nil {
			if _, ok := err.(*Problems); !ok {
				t.Fatalf("the error is no *Problems: %v", err)
			}
			return
		}
		if strings.Contains(Show(r), "canary-value") || bytes.Contains(r.Raw, []byte("canary-value")) {
			t.Fatal("the value of a variable shows")
		}
		for _, key := range r.Config.Keys {
			if key.Secret.Scheme == "" {
				t.Fatalf("a key without a reference loads: %+v", key)
			}
		}
		o.Environ = nil
		if variable == "" || !strings.HasPrefix(variable, envPrefix) {
			if _, err := FromJSON(r.Raw, o); err != nil {
				t.Fatalf("what was embedded is refused: %v", err)
			}
		}
	})
}

func FuzzParseSecretRef(f *testing.F) {
	for _, s := range []string{"env:A", "file:/x", "vault:a-b", "sk-ant-api03-AbCdEfGhIjKl", "env:", ":", "ENV:A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseSecretRef(text)
		if err != nil {
			if len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Fatalf("the error repeats %q", text)
			}
			return
		}
		capitals := ref.Scheme == "env" && ref.Name == strings.ToUpper(ref.Name) // no key looks so
		if ref.String() != text || looksSecret(ref.Name) && !capitals {
			t.Fatalf("%q reads as %#v", text, ref)
		}
	})
}

// FuzzUnits holds that what the schema's patterns accept is read without error,
// unless it is too large to hold.
func FuzzUnits(f *testing.F) {
	for _, s := range []string{"60s", "1h30m", "250ms", "32MiB", "1GB", "0", "1.5h", "999999999h", "99999999999GiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d Duration
		if d.UnmarshalText([]byte(text)) == nil {
			var again Duration
			if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
				t.Fatalf("%q reads as %s, which reads as %s, %v", text, d, again, err)
			}
		}
		var s Size
		if s.UnmarshalText([]byte(text)) == nil {
			var again Size
			if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
				t.Fatalf("%q reads as %s, which reads as %s, %v", text, s, again, err)
			}
		}
	})
}

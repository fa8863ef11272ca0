package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyValue draws a value the schema allows.
func anyValue(t *rapid.T, s *spec, label string) any {
	switch {
	case len(s.enum) > 0:
		return rapid.SampledFrom(s.enum).Draw(t, label)
	case s.ref == "duration":
		return fmt.Sprintf("%dms", rapid.IntRange(1, 5000).Draw(t, label))
	case s.is("integer"):
		low, high := bounds(s)
		return int64(rapid.IntRange(low, high).Draw(t, label))
	case s.is("number"):
		low, high := bounds(s)
		return rapid.Float64Range(float64(low), float64(high)/2).Draw(t, label)
	case s.is("boolean"):
		return rapid.Bool().Draw(t, label)
	}
	return "x"
}

func bounds(s *spec) (low, high int) {
	low, _ = strconv.Atoi(s.min)
	high, err := strconv.Atoi(s.max)
	if err != nil {
		high = low + 1
	}
	return low, min(high, low+1000)
}

// settable lists the scalar fields of the document's fixed sections.
func settable() []string {
	var out []string
	eachSpec(rootSpec(), "", func(at string, s *spec) {
		steps := splitPointer(at)
		if len(steps) == 2 && slices.Contains([]string{"routing", "timeouts", "limits", "log"}, steps[0]) && len(s.fields) == 0 {
			out = append(out, at)
		}
	})
	return out
}

func TestProperty_EnvironmentSaysTheSameAsTheFile(t *testing.T) {
	paths := settable()
	rapid.Check(t, func(t *rapid.T) {
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(paths), 1, 6, rapid.ID).Draw(t, "paths")
		tree := map[string]any{"version": int64(1)}
		var environ []string
		for _, at := range chosen {
			v := anyValue(t, rootSpec().at(at), at)
			steps := splitPointer(at)
			section, _ := tree[steps[0]].(map[string]any)
			if section == nil {
				section = map[string]any{}
				tree[steps[0]] = section
			}
			section[steps[1]] = v
			environ = append(environ, envPrefix+envName(steps[0])+"__"+envName(steps[1])+"="+fmt.Sprint(v))
		}
		data, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		file, errFile := Load(Options{Path: "a.json", Data: data})
		env, errEnv := Load(Options{Path: "a.json", Data: []byte(`{"version":1}`), Environ: environ})
		if (errFile == nil) != (errEnv == nil) {
			t.Fatalf("file: %v\nenvironment: %v", errFile, errEnv)
		}
		if errFile == nil && !reflect.DeepEqual(file.Config, env.Config) {
			t.Fatalf("file %+v\nenvironment %+v", file.Config, env.Config)
		}
	})
}

// anyRows draws a document with rows of keys.
func anyRows(t *rapid.T, label string) map[string]any {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 4, rapid.ID).Draw(t, label)
	var rows []any
	for _, name := range names {
		rows = append(rows, map[string]any{
			"provider": "zai", "name": name, "secret": "vault:" + name,
			"weight": int64(rapid.IntRange(1, 9).Draw(t, label+name)),
		})
	}
	return map[string]any{"version": int64(1), "providers": map[string]any{"zai": map[string]any{}}, "keys": rows}
}

func layered(t *rapid.T, layers ...map[string]any) map[string]any {
	m := newMerger()
	for i, layer := range layers {
		if err := m.loadDocument(&document{root: nodeOf(layer)}, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	return m.tree()
}

func TestProperty_MergingALayerTwiceIsMergingItOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRows(t, "a"), anyRows(t, "b")
		once, twice := layered(t, a, b), layered(t, a, b, b)
		if !reflect.DeepEqual(once, twice) {
			t.Fatalf("once %v\ntwice %v", once, twice)
		}
		if self := layered(t, a, a); !reflect.DeepEqual(self, a) {
			t.Fatalf("a over itself is %v, not %v", self, a)
		}
	})
}

func TestProperty_MergedRowsAreThoseOfBothAndTheLaterLayerWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRows(t, "a"), anyRows(t, "b")
		want := map[string]any{}
		for _, layer := range []map[string]any{a, b} {
			for _, row := range layer["keys"].([]any) {
				want[text(row.(map[string]any), "name")] = row.(map[string]any)["weight"]
			}
		}
		got := map[string]any{}
		for _, row := range layered(t, a, b)["keys"].([]any) {
			got[text(row.(map[string]any), "name")] = row.(map[string]any)["weight"]
		}
		if !maps.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestProperty_EveryValueOfATreeHasALayer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data, err := json.Marshal(anyRows(t, "rows"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Load(Options{Path: "a.json", Data: data})
		if err != nil {
			t.Fatal(err)
		}
		for s := range Settings(r) {
			if _, ok := r.Layers[s.Pointer]; !ok {
				t.Fatalf("%s has no layer", s.Pointer)
			}
			if s.Layer == LayerFile && r.Positions[s.Pointer].Line == 0 {
				t.Fatalf("%s has no position", s.Pointer)
			}
		}
	})
}

// TestProperty_NoSecretIsRepeatedOrEmbedded pastes keys of every known shape into
// each field that takes text: the document is refused, and nothing repeats it.
func TestProperty_NoSecretIsRepeatedOrEmbedded(t *testing.T) {
	keys := []string{
		"sk-ant-api03-CANARY-AbCdEfGhIjKlMnOpQrSt", "sk-proj-CANARYAbCdEfGhIjKlMn", "csk-canaryabcdefghijklmnopqrstuvwx",
		"syn_CANARYabcdef0123456789", "eyJCANARYbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.AbCdEfGh", "0123456789abcdef0123456789abcdef.CANARYGhIjKlMnOp",
		"amx_CANARYabcdefghijkl",
	}
	eachSpec(rootSpec(), "", func(at string, s *spec) {
		if at == "/version" || !s.is("string") && !s.is("integer") && !s.is("boolean") {
			return
		}
		for _, key := range keys {
			refusesSecret(t, at, key, treeWith(at, key))
		}
	})
	for _, at := range []string{"/providers/*/headers", "/providers/*/params/drop", "/keys/*/models", "/providers/*/models/*/aliases", "/providers/*/params/rename"} {
		for _, key := range keys {
			var v any = []any{key}
			if !rootSpec().at(strings.ReplaceAll(at, "*", "0")).is("array") {
				v = map[string]any{"x": key}
			}
			refusesSecret(t, at, key, treeWith(at, v))
		}
	}
}

func refusesSecret(t *testing.T, at, key string, tree map[string]any) {
	t.Helper()
	tree["version"] = int64(1)
	for _, format := range Formats() {
		data, err := emit(nodeOf(tree), format)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Load(Options{Path: "a." + format, Data: data})
		if err == nil {
			t.Errorf("%s: the key is taken and would be embedded: %s", at, r.Raw)
		} else if strings.Contains(err.Error(), key) || strings.Contains(strings.ToLower(err.Error()), "canary") {
			t.Errorf("%s: the message repeats the key: %v", at, err)
		}
	}
}

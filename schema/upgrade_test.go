package schema

import (
	"strings"
	"testing"
)

func TestUpgrade_EachStep(t *testing.T) {
	for _, tc := range []struct {
		name, from, warning string
	}{
		{"0 to 1, no version", `{"routing": {}}`, "a.json:1:1: /version: the document states no version and is read as version 1; begin it with version: 1"},
		{"0 to 1, version 0", `{"version": 0}`, "a.json:1:13: /version: version 0 is read as version 1; begin it with version: 1"},
		{"0 to 1, empty", `{}`, ""},
		{"1", `{"version": 1}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc, ps := parse([]byte(tc.from), JSON, "a.json")
			if len(ps) > 0 {
				t.Fatal(ps)
			}
			warnings, problems := upgrade(doc, steps())
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			got := ""
			for _, w := range warnings {
				got += w.String()
			}
			if got != tc.warning {
				t.Errorf("warning %q, want %q", got, tc.warning)
			}
			if v := doc.root.get("version"); v == nil || v.text != "1" {
				t.Errorf("the version is %v after the upgrade", v)
			}
		})
	}
}

func TestUpgrade_RunsEveryStepFromTheDocumentsVersionOn(t *testing.T) {
	note := func(text string) step {
		return func(d *document) Problems {
			d.root.fields = append(d.root.fields, field{key: text, value: &node{kind: kindBool, truth: true}})
			return Problems{{Msg: text}}
		}
	}
	chain := []step{note("a"), note("b"), note("c")}
	for from, want := range map[string]string{"0": "abc", "1": "bc", "2": "c", "3": ""} {
		doc, _ := parse([]byte(`{"version": `+from+`}`), JSON, "a.json")
		warnings, problems := upgrade(doc, chain)
		var got strings.Builder
		for _, w := range warnings {
			got.WriteString(w.Msg)
		}
		if got.String() != want || len(problems) > 0 || doc.root.get("version").text != "3" {
			t.Errorf("from version %s: steps %q, want %q; problems %v", from, got.String(), want, problems)
		}
	}
}

func TestUpgrade_NewerVersionIsRefusedWithTheVersionNeeded(t *testing.T) {
	doc, _ := parse([]byte("version: 7\nnovelty: 1\n"), TOON, "aimux.toon")
	_, problems := upgrade(doc, steps())
	want := "aimux.toon:1:10: /version: the document is of version 7; this aimux reads up to version 1; use an aimux that reads version 7"
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("got %v, want %s", problems, want)
	}
}

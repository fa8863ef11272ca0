package schema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/schema"
)

const overridden = `version: 1
providers[2:]{kind,tier}:
  zai: zai,1
  lab-one: openai-compatible,2
keys[2]{provider,name,secret}:
  zai,main,vault:a
  zai,spare,vault:b
models[1]{alias,provider,model}:
  coder,zai,glm-5.2
`

// rig is a file with overrides over it.
type rig struct {
	t         *testing.T
	path      string
	overrides *schema.Overrides
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, path: filepath.Join(t.TempDir(), "overrides.toon")}
	r.open()
	return r
}

func (r *rig) open() {
	r.t.Helper()
	o, err := schema.ReadOverrides(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.overrides = o
}

func (r *rig) load() *schema.Result {
	r.t.Helper()
	text, err := r.overrides.Text()
	if err != nil {
		r.t.Fatal(err)
	}
	text2 := strings.ReplaceAll(overridden, "lab-one: openai-compatible,2\n", "lab-one: simulator,2\n")
	result, err := schema.Load(schema.Options{Path: "aimux.toon", Data: []byte(text2), OverridesData: text, Known: known()})
	if err != nil {
		r.t.Fatalf("loading:\n%v\n%s", err, text)
	}
	return result
}

func (r *rig) set(pointer string, value any) {
	r.t.Helper()
	if err := r.overrides.Set(r.load(), pointer, value); err != nil {
		r.t.Fatal(err)
	}
}

func TestOverrides_AChangeLiesOverTheFileAndCanBeTakenBack(t *testing.T) {
	r := newRig(t)
	r.set("/routing/strategy", "ordered")
	r.set("/providers/zai/tier", 5)
	r.set("/keys/1/enabled", false)
	if c := r.load().Config; c.Routing.Strategy != "ordered" || c.Providers["zai"].Tier != 5 || c.Keys[1].On() || !c.Keys[0].On() {
		t.Errorf("%+v", c)
	}
	for _, pointer := range []string{"/routing/strategy", "/providers/zai/tier", "/keys/1/enabled"} {
		if had, err := r.overrides.Unset(r.load(), pointer); !had || err != nil {
			t.Errorf("%s: %v %v", pointer, had, err)
		}
		if had, _ := r.overrides.Unset(r.load(), pointer); had {
			t.Errorf("%s: taken back twice", pointer)
		}
	}
	if c := r.load().Config; c.Routing.Strategy != "fastest" || c.Providers["zai"].Tier != 1 || !c.Keys[1].On() {
		t.Errorf("%+v", c)
	}
}

func TestOverrides_ARowIsFoundByItsNameWhenTheFileChanges(t *testing.T) {
	r := newRig(t)
	r.set("/keys/1/weight", 7)
	text, _ := r.overrides.Text()
	moved := strings.ReplaceAll(overridden, "keys[2]{provider,name,secret}:\n  zai,main,vault:a\n  zai,spare,vault:b\n", "keys[2]{provider,name,secret}:\n  zai,spare,vault:b\n  zai,main,vault:a\n")
	moved = strings.ReplaceAll(moved, "lab-one: openai-compatible,2\n", "lab-one: simulator,2\n")
	result, err := schema.Load(schema.Options{Path: "aimux.toon", Data: []byte(moved), OverridesData: text, Known: known()})
	if err != nil {
		t.Fatal(err)
	}
	if k := result.Config.Keys; k[0].Name != "spare" || k[0].Weight != 7 || k[1].Weight != 1 {
		t.Errorf("%+v", k)
	}
}

func TestOverrides_RowsAreAddedChangedAndDropped(t *testing.T) {
	r := newRig(t)
	row := map[string]any{"provider": "zai", "name": "third", "secret": "vault:c"}
	if err := r.overrides.AddRow("/keys", row); err != nil {
		t.Fatal(err)
	}
	if err := r.overrides.AddRow("/keys", map[string]any{"provider": "zai", "name": "third", "weight": 3}); err != nil {
		t.Fatal(err)
	}
	if k := r.load().Config.Keys; len(k) != 3 || k[2].Weight != 3 || k[2].Secret.String() != "vault:c" {
		t.Errorf("%+v", k)
	}
	name := map[string]any{"provider": "zai", "name": "third"}
	if !r.overrides.DropRow("/keys", name) || r.overrides.DropRow("/keys", name) {
		t.Error("the row is dropped once")
	}
	if k := r.load().Config.Keys; len(k) != 2 {
		t.Errorf("%+v", k)
	}
	for list, row := range map[string]map[string]any{"/keys": {"name": "x"}, "/routing": {"name": "x"}} {
		if err := r.overrides.AddRow(list, row); err == nil {
			t.Errorf("%s %v is taken", list, row)
		}
	}
}

func TestOverrides_AreSavedWholeAndTagged(t *testing.T) {
	r := newRig(t)
	empty := r.overrides.Tag()
	r.set("/routing/strategy", "cheapest")
	if r.overrides.Tag() != empty {
		t.Error("the tag changes before the file does")
	}
	if err := r.overrides.Save(); err != nil {
		t.Fatal(err)
	}
	saved := r.overrides.Tag()
	r.open()
	if r.overrides.Tag() != saved || saved == empty {
		t.Errorf("tags: empty %s, saved %s, read again %s", empty, saved, r.overrides.Tag())
	}
	if data, _ := os.ReadFile(r.path); string(data) != "version: 1\nrouting:\n  strategy: cheapest\n" {
		t.Errorf("%s", data)
	}
}

func TestOverrides_BadPointersAreRefused(t *testing.T) {
	r := newRig(t)
	for _, pointer := range []string{"", "routing", "/keys/9/enabled", "/keys/x/enabled", "/version/x/y"} {
		if err := r.overrides.Set(r.load(), pointer, 1); pointer != "/version/x/y" && err == nil {
			t.Errorf("%q is taken", pointer)
		}
	}
}

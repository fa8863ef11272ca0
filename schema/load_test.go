package schema_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/schema"
)

func TestLoad_ThreeFormatsSayTheSame(t *testing.T) {
	for _, path := range files(t, "testdata/valid", ".json") {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			var first *schema.Result
			for _, ending := range []string{".json", ".yaml", ".toon"} {
				r, err := schema.Load(schema.Options{Path: strings.TrimSuffix(path, ".json") + ending, Known: known()})
				if err != nil {
					t.Fatalf("%s:\n%v", ending, err)
				}
				if first == nil {
					first = r
					continue
				}
				if diff := cmp.Diff(first.Config, r.Config); diff != "" {
					t.Errorf("%s differs from .json (-json +%s):\n%s", name+ending, ending[1:], diff)
				}
				if diff := cmp.Diff(string(first.Raw), string(r.Raw)); diff != "" {
					t.Errorf("Raw of %s differs from .json:\n%s", name+ending, diff)
				}
			}
		})
	}
}

// write puts a file into a folder of the test.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad_OverridesChangeRowsByIdentityAndFieldsOneByOne(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "aimux.toon", twoProviders)
	overrides := write(t, dir, "overrides.toon", `version: 1
providers[1:]{tier}:
  zai: 5
keys[2]{provider,name,secret,enabled}:
  lab-one,main,vault:b2,false
  zai,extra,vault:c,true
`)
	r, err := schema.Load(schema.Options{Path: file, Overrides: overrides, Known: known(),
		Environ: []string{"AIMUX_PROVIDERS__ZAI__WEIGHT=9"}})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Config
	if c.Providers["zai"].Tier != 5 || c.Providers["zai"].Kind != "zai" || c.Providers["lab-one"].Tier != 2 {
		t.Errorf("providers: %+v", c.Providers)
	}
	var keys []string
	for _, k := range c.Keys {
		keys = append(keys, fmt.Sprintf("%s/%s %s %t", k.Provider, k.Name, k.Secret, k.On()))
	}
	want := []string{"zai/main vault:a true", "lab-one/main vault:b2 false", "zai/extra vault:c true"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	layers := map[string]string{
		"/providers/zai/tier":   schema.LayerOverrides,
		"/providers/zai/kind":   schema.LayerFile,
		"/providers/zai/weight": "env AIMUX_PROVIDERS__ZAI__WEIGHT",
		"/providers/zai/policy": schema.LayerDefault,
		"/keys/1/secret":        schema.LayerOverrides,
		"/keys/1/provider":      schema.LayerOverrides,
		"/keys/2/name":          schema.LayerOverrides,
		"/keys/0/secret":        schema.LayerFile,
	}
	for pointer, want := range layers {
		if got := r.Layers[pointer]; got != want {
			t.Errorf("the layer of %s is %q, want %q", pointer, got, want)
		}
	}
	positions := map[string]string{
		"/providers/zai/tier": "overrides.toon:3:8", "/providers/zai/kind": "aimux.toon:3:8",
		"/keys/2/secret": "overrides.toon:6:13", "/keys/0/secret": "aimux.toon:6:12",
	}
	for pointer, want := range positions {
		if got := r.Positions[pointer].String(); got != want {
			t.Errorf("the position of %s is %s, want %s", pointer, got, want)
		}
	}
}

func TestLoad_ProblemsOfAllLayersAtOnce(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "aimux.yaml", "version: 1\nproviders:\n  zai: {tier: 0}\n")
	overrides := write(t, dir, "overrides.toon", "version: 1\nkeys[1]{provider,name,secret}:\n  zia,main,vault:a\n")
	_, err := schema.Load(schema.Options{Path: file, Overrides: overrides, Known: known(), Environ: []string{"AIMUX_LOG__DECISIONS=-1"}})
	want := `aimux.yaml:3:15: /providers/zai/tier: must be at least 1, found 0
overrides.toon:3:3: /keys/0/provider: no provider "zia"; did you mean "zai"?
environment variable AIMUX_LOG__DECISIONS: /log/decisions: must be at least 0, found -1`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestLoad_MissingOverridesAreNoProblemABrokenFileIs(t *testing.T) {
	dir := t.TempDir()
	if _, err := schema.Load(schema.Options{Overrides: filepath.Join(dir, "none.toon")}); err != nil {
		t.Error(err)
	}
	broken := write(t, dir, "overrides.toon", "providers[\n")
	if _, err := schema.Load(schema.Options{Overrides: broken}); err == nil || !strings.Contains(err.Error(), "overrides.toon:1:") {
		t.Errorf("a broken file: %v", err)
	}
}

func TestFromJSON_ReadsWhatLoadEmbeds(t *testing.T) {
	for _, path := range files(t, "testdata/valid", ".toon") {
		loaded, err := schema.Load(schema.Options{Path: path, Known: known()})
		if err != nil {
			t.Fatal(err)
		}
		provisioned, err := schema.FromJSON(loaded.Raw, schema.Options{Path: path, Known: known()})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(loaded.Config, provisioned.Config); diff != "" {
			t.Errorf("%s (-loaded +provisioned):\n%s", path, diff)
		}
		if string(provisioned.Raw) != string(loaded.Raw) {
			t.Errorf("%s: Raw changed from %s to %s", path, loaded.Raw, provisioned.Raw)
		}
	}
}

func TestFromJSON_ProblemsNameTheFileWithoutALine(t *testing.T) {
	_, err := schema.FromJSON([]byte(`{"version":1,"routing":{"explore":7}}`), schema.Options{Path: "/etc/aimux/aimux.toon"})
	if want := "aimux.toon: /routing/explore: must be at most 0.5, found 7"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSecretsThatAreNotThere_WarnWhenLoadedAndFailWhenProvisioned(t *testing.T) {
	text := "version: 1\nproviders[1:]{kind}:\n  zai: zai\nkeys[3]{provider,name,secret,enabled}:\n" +
		"  zai,main,env:ZAI_API_KEI,true\n  zai,off,env:NOPE,false\n  zai,file,\"file:/nonexistent/zai\",true\n"
	environ := []string{"ZAI_API_KEY=x"}
	r := mustLoad(t, "toon", text, environ...)
	want := `aimux.toon:5:12: /keys/0/secret: the secret env:ZAI_API_KEI is not there: the environment variable is not set; did you mean "ZAI_API_KEY"?
aimux.toon:7:12: /keys/2/secret: the secret file:/nonexistent/zai is not there: no such file or directory
`
	if got := lines(r.Warnings); got != want {
		t.Errorf("warnings:\n%s\nwant:\n%s", got, want)
	}
	_, err := schema.FromJSON(r.Raw, schema.Options{Path: "aimux.toon", Environ: environ, Known: known()})
	want = `aimux.toon: /keys/0/secret: the secret env:ZAI_API_KEI is not there: the environment variable is not set; did you mean "ZAI_API_KEY"?
aimux.toon: /keys/2/secret: the secret file:/nonexistent/zai is not there: no such file or directory`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	if _, err := schema.FromJSON(r.Raw, schema.Options{Known: known()}); err != nil {
		t.Errorf("without an environment nothing is looked up: %v", err)
	}
}

func TestLoad_WithoutAConfigurationProvidersAreFoundInTheEnvironment(t *testing.T) {
	for _, tc := range []struct {
		name      string
		environ   []string
		providers []string
		keys      []string
	}{
		{"nothing set", []string{"HOME=/root"}, []string{"simulator"}, nil},
		{"one", []string{"ZAI_API_KEY=x"}, []string{"zai"}, []string{"zai env env:ZAI_API_KEY"}},
		{"several keys", []string{"ZAI_API_KEY=x", "ZAI_API_KEY_2=y", "ZAI_API_KEY_7=z"}, []string{"zai"},
			[]string{"zai env env:ZAI_API_KEY", "zai env-2 env:ZAI_API_KEY_2", "zai env-3 env:ZAI_API_KEY_7"}},
		{"its other name", []string{"Z_AI_API_KEY=x"}, []string{"zai"}, []string{"zai env env:Z_AI_API_KEY"}},
		{"both its names", []string{"Z_AI_API_KEY=x", "ZAI_API_KEY=y"}, []string{"zai"}, []string{"zai env env:ZAI_API_KEY"}},
		{"two", []string{"MINIMAX_API_KEY=x", "ZAI_API_KEY=x", "OPENAI_API_KEY="}, []string{"minimax", "zai"},
			[]string{"minimax env env:MINIMAX_API_KEY", "zai env env:ZAI_API_KEY"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := schema.Load(schema.Options{Known: known(), Environ: tc.environ})
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, k := range r.Config.Keys {
				keys = append(keys, k.Provider+" "+k.Name+" "+k.Secret.String())
			}
			if diff := cmp.Diff(tc.keys, keys); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.providers, slices.Sorted(maps.Keys(r.Config.Providers))); diff != "" {
				t.Errorf("providers (-want +got):\n%s", diff)
			}
			if !r.Config.Implicit {
				t.Error("Implicit is false")
			}
			if string(r.Raw) != `{"version":1}` {
				t.Errorf("Raw has what the environment said: %s", r.Raw)
			}
		})
	}
}

func TestLoad_ProviderWithoutARowUsesItsUsualVariables(t *testing.T) {
	text := "version: 1\nproviders[3:]{kind}:\n  coding: zai-coding\n  minimax: minimax\n  zai: zai\nkeys[1]{provider,name,secret}:\n  zai,main,vault:a\n"
	r := mustLoad(t, "toon", text, "ZAI_API_KEY=x", "MINIMAX_API_KEY_2=y")
	var keys []string
	for _, k := range r.Config.Keys {
		keys = append(keys, k.Provider+" "+k.Name+" "+k.Secret.String())
	}
	want := []string{"zai main vault:a", "coding env env:ZAI_API_KEY", "minimax env env:MINIMAX_API_KEY_2"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"MINIMAX_API_KEY_2", "ZAI_API_KEY"}, r.EnvUsed); diff != "" {
		t.Errorf("EnvUsed (-want +got):\n%s", diff)
	}
}

func TestLoad_ProviderWithoutAnyKeyIsAWarning(t *testing.T) {
	r := mustLoad(t, "toon", "version: 1\nproviders[2:]{kind}:\n  zai: zai\n  home: ollama\n", "HOME=/root")
	want := "aimux.toon:3:3: /providers/zai: the provider has no key; add a row to keys, or set ZAI_API_KEY\n"
	if got := lines(r.Warnings); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoad_Warnings(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"wrong count", "version: 1\nproviders[1:]{kind}:\n  home: ollama\nmodels[3]{alias,provider,model}:\n  a,home,x\n", "models[1]"},
		{"no version", "providers[1:]{kind}:\n  home: ollama\n", "aimux.toon:1:1: /version: the document states no version"},
		{"model the catalogue lacks", "version: 1\nproviders[1:]{kind}:\n  zai: zai\nkeys[1]{provider,secret}:\n  zai,vault:a\nmodels[1]{alias,provider,model}:\n  a,zai,glm-5.3\n",
			`aimux.toon:7:9: /models/0/model: the catalogue has no model "glm-5.3" of "zai"; did you mean "glm-5.2"?`},
		{"route to a provider switched off", "version: 1\nproviders[2:]{kind,enabled}:\n  home: ollama,true\n  lab: ollama,false\nmodels[1]{alias,provider,model}:\n  a,lab,x\n",
			`aimux.toon:6:5: /models/0/provider: the provider "lab" is switched off`},
		{"every provider switched off", "version: 1\nproviders[1:]{kind,enabled}:\n  home: ollama,false\n", "every provider is switched off"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := mustLoad(t, "toon", tc.text)
			if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0].String(), tc.want) {
				t.Errorf("got %q, want one with %q", lines(r.Warnings), tc.want)
			}
		})
	}
}

func TestConfig_TimeoutsOfAProviderAreItsOwnWhereItHasAny(t *testing.T) {
	r := mustLoad(t, "yaml", "version: 1\nproviders:\n  zai:\n    timeouts: {first_event: 3m, total: 5m, connect: 1s}\ntimeouts: {idle: 10s, total: 10m}\nkeys: [{provider: zai, secret: vault:a}]\n")
	got := r.Config.TimeoutsOf("zai")
	if got.FirstEvent.String() != "3m" || got.Idle.String() != "10s" || got.Connect.String() != "1s" || got.Total.String() != "5m" || got.NoProgress.String() != "5m" {
		t.Errorf("got %+v", got)
	}
	if other := r.Config.TimeoutsOf("none"); other != r.Config.Timeouts {
		t.Errorf("an unknown provider: %+v", other)
	}
}

func TestLoad_ZeroOptions(t *testing.T) {
	r, err := schema.Load(schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := schema.Defaults()
	want.Implicit = true
	if diff := cmp.Diff(want, r.Config); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConfig_ProviderMayHaveItsOwnIdleTimeout(t *testing.T) {
	r := mustLoad(t, "yaml", "version: 1\nproviders:\n  zai:\n    timeouts: {idle: 7s}\nkeys: [{provider: zai, secret: vault:a}]\n")
	if got := r.Config.TimeoutsOf("zai").Idle.String(); got != "7s" {
		t.Errorf("got %s", got)
	}
}

func TestLoad_RowWithoutANameIsTheKeyCalledMain(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "aimux.yaml", "version: 1\nproviders: {zai: {}}\nkeys: [{provider: zai, secret: vault:a}]\n")
	overrides := write(t, dir, "overrides.toon", "version: 1\nkeys[1]{provider,name,weight}:\n  zai,main,9\n")
	r, err := schema.Load(schema.Options{Path: file, Overrides: overrides, Known: known()})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Config.Keys) != 1 || r.Config.Keys[0].Weight != 9 || r.Config.Keys[0].Secret.String() != "vault:a" {
		t.Errorf("keys: %+v", r.Config.Keys)
	}
}

func TestLoad_ByteOrderMarkAndCRLFAreOverlooked(t *testing.T) {
	for format, text := range map[string]string{
		"toon": "version: 1\nlog:\n  exchanges: none\n",
		"json": "{\"version\": 1,\n\"log\": {\"exchanges\": \"none\"}}\n",
		"yaml": "version: 1\nlog:\n  exchanges: none\n",
	} {
		r := mustLoad(t, format, "\xef\xbb\xbf"+strings.ReplaceAll(text, "\n", "\r\n"))
		if r.Config.Log.Exchanges != "none" {
			t.Errorf("%s: %+v", format, r.Config.Log)
		}
	}
}

func TestLoad_EmptyFileIsRefused(t *testing.T) {
	for _, format := range schema.Formats() {
		for _, text := range []string{"", "\n", " \r\n\t\n"} {
			if _, err := load(t, format, text); err == nil || !strings.Contains(err.Error(), "the document is empty") {
				t.Errorf("%s %q: %v", format, text, err)
			}
		}
	}
	mustLoad(t, "toon", "# nothing to say\n")
	mustLoad(t, "json", "{}")
}

func TestLoad_OverridesRefineWhatIsFoundInTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	overrides := write(t, dir, "overrides.toon", "version: 1\nproviders[1:]{tier}:\n  zai: 7\n")
	o := schema.Options{Overrides: overrides, Known: known(), Environ: []string{"ZAI_API_KEY=x", "MINIMAX_API_KEY=y"}}
	loaded, err := schema.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	provisioned, err := schema.FromJSON(loaded.Raw, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*schema.Config{loaded.Config, provisioned.Config} {
		if len(c.Providers) != 2 || c.Providers["zai"].Tier != 7 || c.Providers["minimax"].Tier != 1 || !c.Implicit {
			t.Errorf("implicit %t, providers %+v", c.Implicit, c.Providers)
		}
	}
	if string(loaded.Raw) != `{"discover":true,"providers":{"zai":{"tier":7}},"version":1}` {
		t.Errorf("Raw is %s", loaded.Raw)
	}
}

func TestLoad_Discover(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		providers  []string
		implicit   bool
	}{
		{"said, beside one listed", "version: 1\ndiscover: true\nproviders:\n  zai: {tier: 2}\n", []string{"minimax", "zai"}, true},
		{"one listed under its own name", "version: 1\ndiscover: true\nproviders:\n  mine: {kind: zai}\n", []string{"mine", "minimax"}, true},
		{"with rows of models", "version: 1\ndiscover: true\nmodels:\n  - {alias: a, provider: zai, model: glm-5.2}\n", []string{"minimax", "zai"}, false},
		{"not said", "version: 1\nproviders:\n  zai: {tier: 2}\n", []string{"zai"}, false},
		{"refused", "version: 1\ndiscover: false\n", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := mustLoad(t, "yaml", tc.text, "ZAI_API_KEY=x", "MINIMAX_API_KEY=y")
			if diff := cmp.Diff(tc.providers, slices.Sorted(maps.Keys(r.Config.Providers))); diff != "" {
				t.Errorf("providers (-want +got):\n%s", diff)
			}
			if r.Config.Implicit != tc.implicit {
				t.Errorf("Implicit is %t", r.Config.Implicit)
			}
		})
	}
}

func TestFromJSON_TakesWhateverLoadEmbedded(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\nproviders:\n  zai:\n    kind: zai\nkeys[1]{provider,secret}:\n  zai,\"env:K\"\nmodels[3000]{alias,provider,model}:\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "  alias-%d,zai,glm-5.2\n", i)
	}
	o := schema.Options{Path: "aimux.toon", Data: []byte(b.String()), Environ: []string{"K=x"}}
	r, err := schema.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := schema.FromJSON(r.Raw, o)
	if err != nil {
		t.Fatalf("%d bytes of TOON, %d embedded: %.300v", b.Len(), len(r.Raw), err)
	}
	if len(again.Config.Models) != 3000 {
		t.Errorf("%d rows", len(again.Config.Models))
	}
}

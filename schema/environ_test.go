package schema_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/schema"
)

const twoProviders = `version: 1
providers[2:]{kind,tier}:
  zai: zai,1
  lab-one: minimax,2
keys[2]{provider,name,secret}:
  zai,main,vault:a
  lab-one,main,vault:b
models[1]{alias,provider,model}:
  coder,zai,glm-5.2
`

func TestLoad_EnvironmentSetsAnyPath(t *testing.T) {
	for _, tc := range []struct {
		name, entry string
		get         func(*schema.Config) any
		want        any
		pointer     string
	}{
		{"a provider's field", "AIMUX_PROVIDERS__ZAI__TIER=3", func(c *schema.Config) any { return c.Providers["zai"].Tier }, 3, "/providers/zai/tier"},
		{"a name with a dash", "AIMUX_PROVIDERS__LAB_ONE__TIER=4", func(c *schema.Config) any { return c.Providers["lab-one"].Tier }, 4, "/providers/lab-one/tier"},
		{"a boolean", "AIMUX_PROVIDERS__ZAI__ENABLED=false", func(c *schema.Config) any { return c.Providers["zai"].On() }, false, "/providers/zai/enabled"},
		{"a number", "AIMUX_ROUTING__EXPLORE=0.25", func(c *schema.Config) any { return c.Routing.Explore }, 0.25, "/routing/explore"},
		{"a duration", "AIMUX_TIMEOUTS__FIRST_EVENT=90s", func(c *schema.Config) any { return c.Timeouts.FirstEvent.String() }, "1m30s", "/timeouts/first_event"},
		{"a size with its unit", "AIMUX_LIMITS__BODY=1MiB", func(c *schema.Config) any { return c.Limits.Body }, schema.Size(1 << 20), "/limits/body"},
		{"a size in bytes", "AIMUX_LIMITS__BODY=4096", func(c *schema.Config) any { return c.Limits.Body }, schema.Size(4096), "/limits/body"},
		{"a row by index", "AIMUX_KEYS__1__WEIGHT=5", func(c *schema.Config) any { return c.Keys[1].Weight }, 5, "/keys/1/weight"},
		{"a row by provider/name", "AIMUX_KEYS__zai/main__WEIGHT=6", func(c *schema.Config) any { return c.Keys[0].Weight }, 6, "/keys/0/weight"},
		{"a row by PROVIDER_NAME", "AIMUX_KEYS__LAB_ONE_MAIN__WEIGHT=7", func(c *schema.Config) any { return c.Keys[1].Weight }, 7, "/keys/1/weight"},
		{"a model row by its identity", "AIMUX_MODELS__CODER_ZAI_GLM_5_2__TIER=2", func(c *schema.Config) any { return c.Models[0].Tier }, 2, "/models/0/tier"},
		{"a nested object", "AIMUX_PROVIDERS__ZAI__TIMEOUTS__IDLE=9s", func(c *schema.Config) any { return c.Providers["zai"].Timeouts.Idle.String() }, "9s", "/providers/zai/timeouts/idle"},
		{"a list with commas", "AIMUX_PROVIDERS__ZAI__PARAMS__DROP=a, b", func(c *schema.Config) any { return strings.Join(c.Providers["zai"].Params.Drop, "+") }, "a+b", "/providers/zai/params/drop"},
		{"a list as JSON", `AIMUX_PROVIDERS__ZAI__PARAMS__DROP=["a"]`, func(c *schema.Config) any { return strings.Join(c.Providers["zai"].Params.Drop, "+") }, "a", "/providers/zai/params/drop"},
		{"an object as JSON", `AIMUX_LOG__EXCHANGES=none`, func(c *schema.Config) any { return c.Log.Exchanges }, "none", "/log/exchanges"},
		{"a new provider of the catalogue", "AIMUX_PROVIDERS__CEREBRAS__TIER=2", func(c *schema.Config) any { return c.Providers["cerebras"].Tier }, 2, "/providers/cerebras/tier"},
		{"a header", "AIMUX_PROVIDERS__ZAI__HEADERS__X_TITLE=me", func(c *schema.Config) any { return c.Providers["zai"].Headers["x-title"] }, "me", "/providers/zai/headers/x-title"},
		{"a whole list", `AIMUX_KEYS=[{"provider":"zai","name":"x","secret":"vault:c"}]`, func(c *schema.Config) any { return c.Keys[len(c.Keys)-1].Name }, "x", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := mustLoad(t, "toon", twoProviders, tc.entry)
			if diff := cmp.Diff(tc.want, tc.get(r.Config)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			variable, _, _ := strings.Cut(tc.entry, "=")
			if diff := cmp.Diff([]string{variable}, r.EnvUsed); diff != "" {
				t.Errorf("EnvUsed (-want +got):\n%s", diff)
			}
			if tc.pointer != "" && r.Layers[tc.pointer] != "env "+variable {
				t.Errorf("the layer of %s is %q", tc.pointer, r.Layers[tc.pointer])
			}
			if strings.Contains(string(r.Raw), `"weight"`) {
				t.Errorf("Raw has a value of the environment: %s", r.Raw)
			}
		})
	}
}

func TestLoad_EnvironmentMakesRowsWithoutAFile(t *testing.T) {
	r, err := schema.Load(schema.Options{Known: known(), Environ: []string{
		"AIMUX_PROVIDERS__ZAI__TIER=1",
		"AIMUX_KEYS__0__PROVIDER=zai", "AIMUX_KEYS__0__SECRET=vault:a",
		"AIMUX_KEYS__1__PROVIDER=zai", "AIMUX_KEYS__1__NAME=spare", "AIMUX_KEYS__1__SECRET=vault:b",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Config.Keys) != 2 || r.Config.Keys[1].Name != "spare" || r.Config.Keys[0].Name != "main" {
		t.Errorf("keys: %+v", r.Config.Keys)
	}
	if r.Config.Implicit {
		t.Error("a configuration made of variables counts as none")
	}
}

func TestLoad_EnvironmentProblemsNameTheVariable(t *testing.T) {
	for _, tc := range []struct{ name, entry, want string }{
		{"misspelt field", "AIMUX_PROVIDERS__ZAI__TEIR=2", "environment variable AIMUX_PROVIDERS__ZAI__TEIR: there is no such setting; did you mean AIMUX_PROVIDERS__ZAI__TIER?"},
		{"misspelt section", "AIMUX_PROVIDER__ZAI__TIER=2", "environment variable AIMUX_PROVIDER__ZAI__TIER: there is no such setting; did you mean AIMUX_PROVIDERS__ZAI__TIER?"},
		{"below a value", "AIMUX_PROVIDERS__ZAI__TIER__X=2", "environment variable AIMUX_PROVIDERS__ZAI__TIER__X: there is no such setting"},
		{"row that is not there", "AIMUX_KEYS__5__WEIGHT=2", "environment variable AIMUX_KEYS__5__WEIGHT: there is no such setting; did you mean AIMUX_KEYS__0__WEIGHT?"},
		{"row by a wrong name", "AIMUX_KEYS__ZAI_MIAN__WEIGHT=2", "environment variable AIMUX_KEYS__ZAI_MIAN__WEIGHT: there is no such setting; did you mean AIMUX_KEYS__ZAI_MAIN__WEIGHT?"},
		{"wrong type", "AIMUX_PROVIDERS__ZAI__TIER=two", `environment variable AIMUX_PROVIDERS__ZAI__TIER: /providers/zai/tier: expected a whole number, found "two"`},
		{"out of range", "AIMUX_PROVIDERS__ZAI__TIER=0", "environment variable AIMUX_PROVIDERS__ZAI__TIER: /providers/zai/tier: must be at least 1, found 0"},
		{"not one of", "AIMUX_ROUTING__STRATEGY=fast", `environment variable AIMUX_ROUTING__STRATEGY: /routing/strategy: "fast" is not one of fastest, cheapest, ordered, weighted, round_robin, least_in_flight; did you mean "fastest"?`},
		{"secret in the open", "AIMUX_KEYS__0__SECRET=sk-proj-AbCdEfGhIjKlMnOpQrStUvWx", "environment variable AIMUX_KEYS__0__SECRET: /keys/0/secret: a secret is never written into a configuration; store it with `aimux keys add` and write vault:ID, or put it into an environment variable and write env:NAME, or into a file and write file:PATH"},
		{"secret in a wrong place", "AIMUX_PROVIDERS__ZAI__TIER=sk-proj-AbCdEfGhIjKlMnOpQrStUvWx", `environment variable AIMUX_PROVIDERS__ZAI__TIER: /providers/zai/tier: expected a whole number, found "[redacted]"`},
		{"broken JSON", "AIMUX_KEYS=[{", "environment variable AIMUX_KEYS: /keys: expected a list as JSON: the document ends too early"},
		{"unknown provider kind", "AIMUX_PROVIDERS__CEREBAS__TIER=2", `environment variable AIMUX_PROVIDERS__CEREBAS__TIER: /providers/cerebas/kind: no provider kind "cerebas"; did you mean "cerebras"?`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, "toon", twoProviders, tc.entry)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got:\n%v\nwant:\n%s", err, tc.want)
			}
		})
	}
}

func TestLoad_EnvironmentThatIsNotConfiguration(t *testing.T) {
	for _, tc := range []struct{ name, entry, warning string }{
		{"reserved", "AIMUX_SITE=example.com", ""},
		{"reserved, like a section", "AIMUX_LOG=debug", ""},
		{"set by an image", "AIMUX_VERSION=v1.2.3", ""},
		{"set by Kubernetes", "AIMUX_SERVICE_HOST=10.0.0.1", ""},
		{"set by Kubernetes, a port", "AIMUX_PORT_8080_TCP=tcp://10.0.0.1:8080", ""},
		{"empty", "AIMUX_PROVIDERS__ZAI__TIER=", ""},
		{"another program's", "PROVIDERS__ZAI__TIER=x", ""},
		{"single underscores", "AIMUX_PROVIDERS_ZAI_TIER=2", "environment variable AIMUX_PROVIDERS_ZAI_TIER: it is not read; two underscores separate levels, as in AIMUX_PROVIDERS__ZAI_TIER\n"},
		{"misspelt reserved", "AIMUX_CONFG=x", "environment variable AIMUX_CONFG: it is not read; did you mean \"AIMUX_CONFIG\"?\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := mustLoad(t, "toon", twoProviders, tc.entry)
			if got := lines(r.Warnings); got != tc.warning {
				t.Errorf("warnings %q, want %q", got, tc.warning)
			}
			if len(r.EnvUsed) > 0 {
				t.Errorf("used: %v", r.EnvUsed)
			}
		})
	}
}

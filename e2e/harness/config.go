package harness

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Config is what a gateway is started with. The zero Config is a first run:
// the repository's Caddyfile and nothing else.
type Config struct {
	Providers []Provider
	// Models are the rows of models. Default: every model name goes to all the
	// providers, under the provider's Model, in their order.
	Models []Route
	// Strategy is routing.strategy. Default: ordered, so that a spec knows who
	// is asked first.
	Strategy string
	// More is further TOON at the document's top level, such as timeouts.
	More string
	// Toon replaces the document that the fields above make.
	Toon string
	// Caddyfile replaces the repository's. {$AIMUX_SITE} and {$AIMUX_ADMIN} are
	// set as for that one.
	Caddyfile string
	// Env is added to the process's environment, NAME=value each.
	Env []string
	// Args follow run --config Caddyfile.
	Args []string
	// Files is how many descriptors the process may have. 0: as many as the test.
	Files int
}

// Provider is an upstream as a user configures it.
type Provider struct {
	Name, Kind string
	// URL is the base URL. Empty: the kind's own.
	URL string
	// Keys are secrets; they go into the environment and the configuration
	// refers to them. They are named k1, k2 and so on.
	Keys []string
	// Accounts are the keys' accounts, by their place. Default: none.
	Accounts []string
	// Model is what Config's default rows of models name. Default: m.
	Model string
	Tier  int
	// More is further TOON inside the provider, such as policy: fill_first.
	More []string
}

// Route is a row of models.
type Route struct {
	Alias, Provider, Model string
	Tier                   int
}

// model returns the model of the default rows.
func (p Provider) model() string {
	if p.Model == "" {
		return "m"
	}
	return p.Model
}

// document returns the text of aimux.toon, or "" for none.
func (c Config) document() string {
	if c.Toon != "" || len(c.Providers) == 0 {
		return c.Toon
	}
	var b strings.Builder
	b.WriteString("version: 1\nproviders:\n")
	for _, p := range c.Providers {
		p.write(&b)
	}
	c.writeKeys(&b)
	c.writeModels(&b)
	strategy := c.Strategy
	if strategy == "" {
		strategy = "ordered"
	}
	if !strings.Contains(c.More, "routing:") {
		fmt.Fprintf(&b, "routing:\n  strategy: %s\n", strategy)
	}
	if c.More != "" {
		b.WriteString(strings.TrimRight(c.More, "\n") + "\n")
	}
	return b.String()
}

func (p Provider) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s:\n    kind: %s\n", p.Name, p.Kind)
	if p.URL != "" {
		fmt.Fprintf(b, "    base_url: %q\n    allow_http: true\n", p.URL)
	}
	if p.Tier > 0 {
		fmt.Fprintf(b, "    tier: %d\n", p.Tier)
	}
	for _, line := range p.More {
		fmt.Fprintf(b, "    %s\n", line)
	}
}

func (c Config) writeKeys(b *strings.Builder) {
	rows := 0
	for _, p := range c.Providers {
		rows += len(p.Keys)
	}
	if rows == 0 {
		return
	}
	fmt.Fprintf(b, "keys[%d]{provider,name,account,secret}:\n", rows)
	for _, p := range c.Providers {
		for i := range p.Keys {
			account := ""
			if i < len(p.Accounts) {
				account = p.Accounts[i]
			}
			fmt.Fprintf(b, "  %s,k%d,%q,\"env:%s\"\n", p.Name, i+1, account, p.variable(i))
		}
	}
}

// variable names the environment variable of a key.
func (p Provider) variable(i int) string {
	upper := strings.ToUpper(strings.ReplaceAll(p.Name, "-", "_"))
	return "E2E_" + upper + "_KEY_" + strconv.Itoa(i+1)
}

func (c Config) writeModels(b *strings.Builder) {
	routes := c.Models
	if len(routes) == 0 {
		for _, p := range c.Providers {
			routes = append(routes, Route{Alias: "*", Provider: p.Name, Model: p.model(), Tier: p.Tier})
		}
	}
	fmt.Fprintf(b, "models[%d]{alias,provider,model,tier}:\n", len(routes))
	for _, r := range routes {
		fmt.Fprintf(b, "  %q,%s,%q,%d\n", r.Alias, r.Provider, r.Model, r.Tier)
	}
}

// environment returns the whole environment of a gateway that lives in dir: the
// path to find programs, its own directories, the keys, and nothing of the
// host's.
func (c Config) environment(dir string, more ...string) []string {
	env := map[string]string{
		"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": dir, "TMPDIR": dir,
		"XDG_DATA_HOME": dir + "/data", "XDG_CONFIG_HOME": dir + "/config", "XDG_CACHE_HOME": dir + "/cache",
	}
	for _, p := range c.Providers {
		for i, secret := range p.Keys {
			env[p.variable(i)] = secret
		}
	}
	for _, entry := range append(slices.Clone(more), c.Env...) {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

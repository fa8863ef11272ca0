package schema

import (
	"slices"
	"strconv"
	"strings"
)

// keys checks that each key belongs to a provider, stands once and keeps its
// secret elsewhere.
func (c *checker) keys() {
	id := identifiedBy("provider", "name")
	seen := map[string]string{}
	for at, row := range rowsOf(c.tree["keys"], "/keys") {
		provider := text(row, "provider")
		if c.refersTo(at+"/provider", provider) {
			c.keyModels(provider, row, at)
		}
		if name, ok := id(row); ok {
			if first, twice := seen[name]; twice {
				c.twice(keyNamePlace(row, at), first, "the key "+quote(name)+" stands twice", "give each key of a provider its own name")
			} else {
				seen[name] = at
			}
		}
		c.secret(row, at)
	}
	c.keyless()
}

// keyless warns of providers in use that have no key in use.
func (c *checker) keyless() {
	inUse := map[string]bool{}
	for _, row := range rowsOf(c.tree["keys"], "") {
		inUse[text(row, "provider")] = inUse[text(row, "provider")] || enabled(row)
	}
	for name, p := range entries(c.tree["providers"]) {
		_, k, ok := c.kindOf(name)
		on, hasRow := inUse[name]
		at := "/providers/" + escapePointer(name)
		switch {
		case !ok || k.KeyOptional || !enabled(p) || on:
		case hasRow:
			c.warn(at, "every key of the provider is switched off", "remove enabled: false from one")
		case c.env != nil:
			hint := "add a row to keys"
			if len(k.Env) > 0 {
				hint += ", or set " + k.Env[0]
			}
			c.warn(at, "the provider has no key", hint)
		}
	}
}

func keyNamePlace(row map[string]any, at string) string {
	if row["name"] == nil {
		return at
	}
	return at + "/name"
}

// secret checks the reference of one row.
func (c *checker) secret(row map[string]any, at string) {
	p, known := c.provider(text(row, "provider"))
	c.reference(row["secret"], at+"/secret", enabled(row) && (!known || enabled(p)))
}

// reference checks one reference to a secret; used says that the secret is
// needed.
func (c *checker) reference(v any, at string, used bool) {
	value, ok := v.(string)
	if !ok || value == "" {
		return
	}
	ref, err := ParseSecretRef(value)
	if err != nil {
		c.problem(at, err.Error(), secretHint(value))
		return
	}
	if c.env == nil || !used {
		return
	}
	if err := ref.Check(c.env); err != nil {
		report := c.warn
		if c.strict {
			report = c.problem
		}
		report(at, "the secret "+ref.String()+" is not there: "+err.Error(), c.missingHint(ref))
	}
}

// secretHint says what to write instead of what is not a reference. It never
// repeats it.
func secretHint(value string) string {
	const store = "store it with `aimux keys add` and write vault:ID, or put it into an environment variable and write env:NAME, or into a file and write file:PATH"
	scheme, _, _ := strings.Cut(value, ":")
	switch {
	case strings.HasPrefix(value, "$"):
		return "write env:NAME, without $ and braces"
	case strings.HasPrefix(value, "{env.") || strings.HasPrefix(value, "{file."):
		return "write env:NAME or file:PATH instead of a placeholder of Caddy"
	case slices.Contains([]string{"env", "file", "vault"}, scheme):
		return "for example vault:zai-main, env:ZAI_API_KEY or file:/run/secrets/zai"
	case slices.Contains([]string{"env", "file", "vault"}, strings.ToLower(scheme)):
		return "write " + strings.ToLower(scheme) + ": in lower case"
	}
	return store
}

func (c *checker) missingHint(ref SecretRef) string {
	if ref.Scheme != "env" {
		return ""
	}
	if hint := didYouMean(ref.Name, slices.Values(c.envNames)); hint != "" {
		return hint
	}
	return "set it, or set enabled: false on the row"
}

// keyModels warns of models a key is limited to that nobody knows.
func (c *checker) keyModels(provider string, row map[string]any, at string) {
	models, _ := row["models"].([]any)
	for i, m := range models {
		if id, ok := m.(string); ok {
			c.model(provider, id, at+"/models/"+strconv.Itoa(i))
		}
	}
}

// model warns of a model that neither the catalogue nor the configuration knows
// for a provider. It is no problem: vendors add models every week.
func (c *checker) model(provider, id, at string) {
	kind, k, ok := c.kindOf(provider)
	if !ok || k.AnyModel || id == "" {
		return
	}
	names := slices.Clone(k.Models)
	p, _ := c.provider(provider)
	for _, m := range rowsOf(p["models"], "") {
		names = append(names, text(m, "id"))
		aliases, _ := m["aliases"].([]any)
		for _, a := range aliases {
			if s, ok := a.(string); ok {
				names = append(names, s)
			}
		}
	}
	if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, id) }) {
		return
	}
	hint := didYouMean(id, slices.Values(names))
	if hint == "" {
		hint = "if the provider has it, add it to the provider's models"
	}
	c.warn(at, "the catalogue has no model "+quote(id)+" of "+quote(kind), hint)
}

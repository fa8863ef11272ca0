package main

import (
	"fmt"
	"strings"
)

const (
	// alias is the model name that clients ask aimux for, upstreamModel what the provider is asked for: 50 words at once.
	alias         = "load-model-of-fifty-a"
	upstreamModel = "sim-ok-tokens-50-tag-a"
	// pacedAlias answers with 50 words, one every 20 ms.
	pacedAlias         = "load-paced"
	upstreamPacedModel = "sim-ok-tokens-50-rate-50"
	// nativeAlias is answered by providers that speak Messages as well as Chat.
	nativeAlias = "load-model-of-native"
	words       = 50
)

const globalOptions = `{
	admin {admin}
	persist_config off
	grace_period 1s
	%s
}
`

// proxyCaddyfile is the plain reverse proxy that aimux is compared with, as Caddy's documentation writes it.
func proxyCaddyfile(upstream string) string {
	return fmt.Sprintf(globalOptions, "") + `{site} {
	bind 127.0.0.1
	reverse_proxy ` + strings.TrimPrefix(upstream, "http://") + `
}
`
}

// gatewayCaddyfile is aimux with the document in file.
func gatewayCaddyfile(file string) string {
	return fmt.Sprintf(globalOptions, "aimux "+file) + `{site} {
	bind 127.0.0.1
	aimux
}
`
}

// provider is a row of a document's providers with its keys.
type provider struct {
	name   string
	origin string
	keys   []string // the values, which travel in the environment
	native bool     // it speaks Messages too, as Z.AI does
}

// model is a row of a document's models.
type model struct {
	alias, provider, id string
	tier                int
}

// document writes an aimux.toon and the environment its keys are in. The providers speak OpenAI Chat, and
// nothing else unless they are native.
func document(providers []provider, models []model) (string, []string) {
	var b, rows strings.Builder
	var env []string
	b.WriteString("version: 1\nproviders:\n")
	for _, p := range providers {
		kind, base := "openai", p.origin+"/v1"
		if p.native {
			kind = "zai"
		}
		fmt.Fprintf(&b, "  %s:\n    kind: %s\n    base_url: %q\n    allow_http: true\n", p.name, kind, base)
		if p.native {
			fmt.Fprintf(&b, "    anthropic_base_url: %q\n", p.origin)
		}
		for i, value := range p.keys {
			variable := fmt.Sprintf("LOADTEST_%s_%d", strings.ToUpper(p.name), i)
			env = append(env, variable+"="+value)
			fmt.Fprintf(&rows, "  %s,key%d,env:%s\n", p.name, i, variable)
		}
	}
	fmt.Fprintf(&b, "keys[%d]{provider,name,secret}:\n%s", len(env), &rows)
	fmt.Fprintf(&b, "models[%d]{alias,provider,model,tier}:\n", len(models))
	for _, m := range models {
		fmt.Fprintf(&b, "  %s,%s,%s,%d\n", m.alias, m.provider, m.id, m.tier)
	}
	return b.String(), env
}

// usualDocument gives routing and key rotation something to do: two providers with three keys each for every alias,
// ranked by the default strategy.
func usualDocument(origins []string) (string, []string) {
	var providers []provider
	var models []model
	for i, name := range []string{"one", "two", "three", "four"} {
		p := provider{name: name, origin: origins[i], keys: []string{name + "-a", name + "-b", name + "-c"}, native: i >= 2}
		providers = append(providers, p)
		if p.native {
			models = append(models, model{nativeAlias, name, upstreamModel, 1})
			continue
		}
		models = append(models, model{alias, name, upstreamModel, 1}, model{pacedAlias, name, upstreamPacedModel, 1})
	}
	return document(providers, models)
}

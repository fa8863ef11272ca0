package main

import (
	"fmt"
	"strings"
)

const globalOptions = `{
	admin {admin}
	persist_config off
	grace_period 1s
	%s
}
`

// proxyCaddyfile is the plain reverse proxy that aimux is compared with, as Caddy's documentation writes it. It trusts
// the certificates in ca, "" for the system's.
func proxyCaddyfile(ca string, upstreams ...string) string {
	var to string
	for _, u := range upstreams {
		to += " " + strings.TrimPrefix(u, "http://")
	}
	if ca != "" {
		to += fmt.Sprintf(" {\n\t\ttransport http {\n\t\t\ttls_trust_pool file %s\n\t\t}\n\t}", ca)
	}
	return fmt.Sprintf(globalOptions, "") + `{site} {
	bind 127.0.0.1
	reverse_proxy` + to + `
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

// clientKey is the key of the one client that the gateways know, and clientVariable where they find it.
const (
	clientKey      = "loadtest-client-key-of-one-client"
	clientVariable = "LOADTEST_CLIENT_KEY"
)

// dialects says which formats a provider speaks.
type dialects int

const (
	chatOnly     dialects = iota // and OpenAI's Responses, as OpenAI does
	bothDialects                 // Messages as well as Chat, as Z.AI does
	messagesOnly                 // as Anthropic does
	chatAlone                    // as most do
)

// provider is a row of a document's providers with its keys.
type provider struct {
	name     string
	origin   string
	keys     []string // the values, which travel in the environment
	speaks   dialects
	patience string // timeouts.first_event. Default: 60s
	ca       string // file of certificates to trust. Default: the system's
}

// write adds the provider to the rows of providers.
func (p provider) write(b *strings.Builder) {
	switch p.speaks {
	case messagesOnly:
		fmt.Fprintf(b, "  %s:\n    kind: anthropic\n    base_url: %q\n", p.name, p.origin)
	case bothDialects:
		fmt.Fprintf(b, "  %s:\n    kind: zai\n    base_url: %q\n    anthropic_base_url: %q\n", p.name, p.origin+"/v1", p.origin)
	case chatAlone:
		fmt.Fprintf(b, "  %s:\n    kind: openai-compatible\n    base_url: %q\n", p.name, p.origin+"/v1")
	default:
		fmt.Fprintf(b, "  %s:\n    kind: openai\n    base_url: %q\n", p.name, p.origin+"/v1")
	}
	if strings.HasPrefix(p.origin, "http:") {
		b.WriteString("    allow_http: true\n")
	}
	if p.ca != "" {
		fmt.Fprintf(b, "    ca_file: %q\n", p.ca)
	}
	if p.patience != "" {
		fmt.Fprintf(b, "    timeouts:\n      first_event: %s\n", p.patience)
	}
}

// model is a row of a document's models.
type model struct {
	alias, provider, id string
	tier                int
}

// document is what an aimux.toon is written from. Every feature that costs something is on as it is by default: a client
// key, the ledger, metrics, alerts, a log line for each exchange.
type document struct {
	providers []provider
	models    []model
	more      string // further sections
}

// write returns the aimux.toon and the environment its keys are in.
func (d document) write() (string, []string) {
	var b, rows strings.Builder
	env := []string{clientVariable + "=" + clientKey}
	b.WriteString("version: 1\nproviders:\n")
	keys := 0
	for _, p := range d.providers {
		p.write(&b)
		for i, value := range p.keys {
			variable := fmt.Sprintf("LOADTEST_%s_%d", strings.ToUpper(p.name), i)
			env = append(env, variable+"="+value)
			fmt.Fprintf(&rows, "  %s,key%d,env:%s\n", p.name, i, variable)
			keys++
		}
	}
	fmt.Fprintf(&b, "keys[%d]{provider,name,secret}:\n%s", keys, &rows)
	fmt.Fprintf(&b, "models[%d]{alias,provider,model,tier}:\n", len(d.models))
	for _, m := range d.models {
		fmt.Fprintf(&b, "  %s,%s,%s,%d\n", m.alias, m.provider, m.id, m.tier)
	}
	fmt.Fprintf(&b, "clients[1]{name,secret}:\n  load,env:%s\n%s", clientVariable, d.more)
	return b.String(), env
}

// usual is how many of the provider's addresses answer without delay.
const usual = origins - 1

// usualDocument gives routing and key rotation something to do: two providers with three keys each for every alias,
// ranked by the default strategy.
func usualDocument(origins []string) document {
	var d document
	for i, speaks := range []dialects{chatOnly, chatOnly, bothDialects, bothDialects, messagesOnly, chatAlone} {
		name := []string{"one", "two", "three", "four", "five", "six"}[i]
		d.providers = append(d.providers, provider{name: name, origin: origins[i%usual], keys: []string{name + "-a", name + "-b", name + "-c"}, speaks: speaks})
		for _, w := range answers() {
			d.models = append(d.models, model{w.alias(speaks), name, w.model(), 1})
		}
	}
	return d
}

// trusting returns the document with providers whose certificates are those in the file ca, "" for none of its own.
func (d document) trusting(ca string) document {
	for i := range d.providers {
		d.providers[i].ca = ca
	}
	return d
}

package provider

import (
	"fmt"
	"maps"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Bases are the base URLs a config gives for one provider; empty ones were not
// given. Main is for whichever dialects it fits, the others for theirs alone.
type Bases struct{ Main, Anthropic, Responses string }

// At returns the vendor with its endpoints moved to where a config says they
// are. The vendor itself is not changed.
//
// A bare host in Main is a mirror of the vendor: each endpoint keeps its own
// path. A Main with a path is the endpoint of the dialect it looks like; the
// endpoints that stand beside it in the catalogue move with it, and those on
// another origin are dropped, because a key is bound to its origin and must
// not be sent to a guessed place.
func (v *Vendor) At(b Bases) (*Vendor, error) {
	moved := *v
	moved.Endpoints = maps.Clone(v.Endpoints)
	if moved.Endpoints == nil {
		moved.Endpoints = map[llm.Dialect]Endpoint{}
	}
	if b.Main != "" {
		if err := moved.move(b.Main); err != nil {
			return nil, fmt.Errorf("base_url: %w", err)
		}
	}
	for _, own := range [...]struct {
		field   string
		url     string
		dialect llm.Dialect
	}{{"anthropic_base_url", b.Anthropic, llm.Anthropic}, {"responses_base_url", b.Responses, llm.Responses}} {
		if own.url == "" {
			continue
		}
		if _, err := ParseBase(own.url); err != nil {
			return nil, fmt.Errorf("%s: %w", own.field, err)
		}
		moved.set(own.dialect, own.url)
	}
	for d, e := range moved.Endpoints {
		if e.BaseURL == "" {
			delete(moved.Endpoints, d)
		}
	}
	if len(moved.Endpoints) == 0 {
		return nil, fmt.Errorf("kind %q needs a base_url", v.Kind)
	}
	return &moved, nil
}

// move applies Main.
func (v *Vendor) move(main string) error {
	base, err := ParseBase(main)
	if err != nil {
		return err
	}
	v.moveProbes(base)
	if base.Bare() && !v.NeedsURL {
		for d, e := range v.Endpoints {
			e.BaseURL = swapOrigin(e.BaseURL, base.origin)
			v.Endpoints[d] = e
		}
		return nil
	}
	d := v.dialectOf(main)
	home, known := v.Endpoints[d]
	for other, e := range v.Endpoints {
		switch {
		case other == d:
		case known && sameRoot(home, e):
			e.BaseURL = strings.TrimSuffix(base.origin+base.path, "/")
			v.Endpoints[other] = e
		case origin(e.BaseURL) != base.origin:
			delete(v.Endpoints, other)
		}
	}
	v.set(d, main)
	return nil
}

// dialectOf tells from a pasted path or a segment which dialect a base URL
// speaks; without a sign it is the one the vendor is known for.
func (v *Vendor) dialectOf(main string) llm.Dialect {
	path := strings.ToLower(strings.TrimRight(main, "/ "))
	switch {
	case strings.HasSuffix(path, "/messages"), strings.HasSuffix(path, "/messages/count_tokens"),
		strings.Contains(path, "/anthropic"):
		return llm.Anthropic
	case strings.HasSuffix(path, "/responses"):
		return llm.Responses
	}
	for _, d := range [...]llm.Dialect{llm.OpenAI, llm.Anthropic, llm.Responses} {
		if _, ok := v.Endpoints[d]; ok {
			return d
		}
	}
	return llm.OpenAI
}

// set gives a dialect its own base URL. Without an entry in the catalogue the
// endpoint has a bearer key and nothing beside its main call.
func (v *Vendor) set(d llm.Dialect, base string) {
	e, ok := v.Endpoints[d]
	if !ok {
		e = Endpoint{Auth: AuthBearer}
		if d == llm.Anthropic {
			e.Headers = map[string]string{"Anthropic-Version": anthropicVersion}
		}
	}
	e.BaseURL = strings.TrimSpace(base)
	v.Endpoints[d] = e
}

// anthropicVersion is sent when the client did not say which it wants.
const anthropicVersion = "2023-06-01"

// moveProbes keeps the free questions at the same origin as the answers.
func (v *Vendor) moveProbes(base Base) {
	if v.Ping != "" && origin(v.Ping) != base.origin {
		if base.Bare() || v.Local {
			v.Ping = swapOrigin(v.Ping, base.origin)
		} else {
			v.Ping = ""
		}
	}
	if v.Quota != nil && origin(v.Quota.URL) != base.origin {
		if !base.Bare() {
			v.Quota = nil
			return
		}
		probe := *v.Quota
		probe.URL = swapOrigin(probe.URL, base.origin)
		v.Quota = &probe
	}
}

// sameRoot reports whether two endpoints differ in nothing but the call's path.
func sameRoot(a, b Endpoint) bool {
	x, errX := ParseBase(a.BaseURL)
	y, errY := ParseBase(b.BaseURL)
	return errX == nil && errY == nil && x.origin == y.origin && x.versioned() == y.versioned()
}

func origin(s string) string {
	b, err := ParseBase(s)
	if err != nil {
		return ""
	}
	return b.origin
}

func swapOrigin(s, to string) string {
	b, err := ParseBase(s)
	if err != nil {
		return s
	}
	return to + strings.TrimPrefix(s, b.origin)
}

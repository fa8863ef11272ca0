package control

import (
	"net/netip"
	"net/url"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/schema"
)

// providerChange writes what a change says about a provider.
type providerChange struct {
	o  *schema.Overrides
	r  *schema.Result
	at string // the provider's pointer
}

// setProvider writes what a change says about a provider.
func setProvider(o *schema.Overrides, r *schema.Result, id string, c console.ProviderChange) error {
	w := providerChange{o, r, "/providers/" + pointerStep(id)}
	if err := w.text("kind", c.Kind); err != nil {
		return err
	}
	if err := w.bases(c); err != nil {
		return err
	}
	return w.numbers(c)
}

func (w *providerChange) set(member string, value any) error {
	return w.o.Set(w.r, w.at+"/"+member, value)
}

// text writes a member, or with an empty value goes back to what lies below.
func (w *providerChange) text(member string, value *string) error {
	switch {
	case value == nil:
		return nil
	case *value == "":
		_, err := w.o.Unset(w.r, w.at+"/"+member)
		return err
	}
	return w.set(member, *value)
}

// bases writes the addresses. A server on this very machine may be asked
// without TLS: what it is sent travels over no network.
func (w *providerChange) bases(c console.ProviderChange) error {
	for _, m := range []struct {
		name  string
		value *string
	}{{"base_url", c.BaseURL}, {"anthropic_base_url", c.AnthropicBaseURL}, {"responses_base_url", c.ResponsesBaseURL}} {
		if err := w.text(m.name, m.value); err != nil {
			return err
		}
		if onThisMachine(deref(m.value)) {
			if err := w.set("allow_http", true); err != nil {
				return err
			}
		}
	}
	return nil
}

// onThisMachine reports whether a URL is plain HTTP to a loopback address.
func onThisMachine(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

func (w *providerChange) numbers(c console.ProviderChange) error {
	if c.Tier != nil {
		if err := w.set("tier", *c.Tier); err != nil {
			return err
		}
	}
	if c.Weight != nil {
		if err := w.set("weight", *c.Weight); err != nil {
			return err
		}
	}
	if c.Enabled != nil {
		return w.set("enabled", *c.Enabled)
	}
	return nil
}

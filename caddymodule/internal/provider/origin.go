package provider

import "github.com/aimux/aimux/caddymodule/internal/llm"

// Origin returns the address the vendor's keys are bound to: scheme and host of
// its first endpoint. A vendor without any is its kind.
func (v *Vendor) Origin() string {
	for _, d := range [...]llm.Dialect{llm.OpenAI, llm.Anthropic, llm.Responses} {
		if base, err := ParseBase(v.Endpoints[d].BaseURL); err == nil {
			return base.Origin()
		}
	}
	return v.Kind
}

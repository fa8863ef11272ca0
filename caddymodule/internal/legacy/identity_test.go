package legacy

import (
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/provider"
)

func TestIdentify_TellsWhoAProviderIsAndWhereItsKeysMayGo(t *testing.T) {
	for name, c := range map[string]struct {
		provider oldProvider
		kind     string
		origin   string
		base     string
	}{
		"a name":                     {oldProvider{name: "minimax-m2"}, "minimax", "https://api.minimax.io", ""},
		"an alias of the plan":       {oldProvider{name: "z-ai", dialect: dialectV1}, "zai-coding", "https://api.z.ai", ""},
		"Z.AI of the C++ versions":   {oldProvider{name: "zai", url: "https://api.z.ai", dialect: dialectA}, "zai", "https://api.z.ai", ""},
		"the plan's address":         {oldProvider{name: "zai", url: "https://api.z.ai/api/anthropic/v1/messages"}, "zai-coding", "https://api.z.ai", ""},
		"the other address":          {oldProvider{name: "z-ai", url: "https://API.z.ai/api/paas/v4/", dialect: dialectV1}, "zai", "https://api.z.ai", ""},
		"plain http of a vendor":     {oldProvider{name: "cerebras", url: "http://api.cerebras.ai"}, "cerebras", "https://api.cerebras.ai", ""},
		"an old address":             {oldProvider{name: "minimax", url: "https://api.minimax.chat"}, "minimax", "https://api.minimax.io", ""},
		"a name of one's own":        {oldProvider{name: "mine", url: "https://api.openai.com/v1"}, "openai", "https://api.openai.com", ""},
		"a name against its address": {oldProvider{name: "openai", url: "https://api.cerebras.ai/v1"}, "cerebras", "https://api.cerebras.ai", ""},
		"a mirror":                   {oldProvider{name: "openai", url: "https://mirror.example:8443/v1"}, "openai", "https://mirror.example:8443", "https://mirror.example:8443/v1"},
		"a server of one's own":      {oldProvider{name: "x", url: "http://localhost:9000"}, "openai-compatible", "http://localhost:9000", "http://localhost:9000"},
		"one that speaks Anthropic":  {oldProvider{name: "x", url: "https://x.example/anthropic"}, "anthropic-compatible", "https://x.example", "https://x.example/anthropic"},
		"http elsewhere":             {oldProvider{name: "x", url: "http://x.example/v1"}, "openai-compatible", "https://x.example", "https://x.example/v1"},
		"a key's shape":              {oldProvider{name: "x", keys: []oldKey{{value: fakeSynthetic}}}, "synthetic", "https://api.synthetic.new", ""},
		"nothing":                    {oldProvider{name: "x"}, "", "", ""},
		"a password":                 {oldProvider{name: "x", url: "https://u:p@x.example"}, "", "", ""},
		"a query":                    {oldProvider{name: "x", url: "https://x.example/?key=1"}, "", "", ""},
		"metadata of a cloud":        {oldProvider{name: "x", url: "http://169.254.169.254/"}, "", "", ""},
		"another script":             {oldProvider{name: "x", url: "https://bücher.example/v1"}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			id := identify(provider.Catalogue(), &c.provider)
			kind := ""
			if id.vendor != nil {
				kind = id.vendor.Kind
			}
			if kind != c.kind || id.origin() != c.origin || id.base != c.base {
				t.Errorf("kind %q, origin %q, base %q (%s%s), want %q, %q, %q", kind, id.origin(), id.base, id.why, id.bad, c.kind, c.origin, c.base)
			}
			if (id.bad != "") != (c.kind == "") {
				t.Errorf("bad: %q", id.bad)
			}
		})
	}
}

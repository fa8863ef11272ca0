package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/toon"
	"github.com/google/go-cmp/cmp"
)

var kinds = []string{
	"cerebras", "zai", "zai-coding", "zai-cn", "zai-coding-cn", "minimax", "minimax-cn", "synthetic", "openai", "anthropic",
	"openrouter", "groq", "deepseek", "moonshot", "kimi-coding", "ollama", "vllm", "llamacpp", "openai-compatible",
	"anthropic-compatible", "simulator",
}

func vendor(t testing.TB, kind string) *Vendor {
	t.Helper()
	v, ok := Catalogue().Vendor(kind)
	if !ok {
		t.Fatalf("no vendor %q", kind)
	}
	return v
}

func TestCatalogue_HasEveryKind(t *testing.T) {
	var got []string
	for _, v := range Catalogue().Vendors() {
		got = append(got, v.Kind)
	}
	if diff := cmp.Diff(kinds, got); diff != "" {
		t.Error(diff)
	}
}

func TestCatalogue_EveryVendorIsComplete(t *testing.T) {
	env := map[string]string{}
	for _, v := range Catalogue().Vendors() {
		t.Run(v.Kind, func(t *testing.T) {
			if v.Title == "" || len(v.Endpoints) == 0 {
				t.Error("no title or no endpoint")
			}
			for d, e := range v.Endpoints {
				checkEndpoint(t, v, d, e)
			}
			for _, name := range v.Env {
				if other, taken := env[name]; taken {
					t.Errorf("%s is %s's already", name, other)
				}
				env[name] = v.Kind
			}
			if !v.KeyOptional && len(v.Env) == 0 {
				t.Error("no environment variable for its key")
			}
			checkModels(t, v)
		})
	}
}

func checkEndpoint(t *testing.T, v *Vendor, d llm.Dialect, e Endpoint) {
	t.Helper()
	if !slices.Contains([]llm.Dialect{llm.Anthropic, llm.OpenAI, llm.Responses}, d) {
		t.Errorf("unknown dialect %q", d)
	}
	if !slices.Contains([]AuthStyle{AuthBearer, AuthAPIKey, AuthNone}, e.Auth) {
		t.Errorf("%s: unknown auth %q", d, e.Auth)
	}
	if v.NeedsURL != (e.BaseURL == "") {
		t.Errorf("%s: base URL %q", d, e.BaseURL)
	}
	if !v.NeedsURL && e.URL(d, CallMain) == "" {
		t.Errorf("%s: %q is no base URL", d, e.BaseURL)
	}
	if !v.Local && !v.NeedsURL && !strings.HasPrefix(e.BaseURL, "https://") {
		t.Errorf("%s: %q is not https", d, e.BaseURL)
	}
	if d == llm.Anthropic && e.Headers["Anthropic-Version"] == "" {
		t.Errorf("%s: no anthropic-version", d)
	}
}

func checkModels(t *testing.T, v *Vendor) {
	t.Helper()
	defaults := 0
	for _, m := range v.Models {
		if m.Default {
			defaults++
		}
		if m.Context > 0 && m.MaxOutput > m.Context {
			t.Errorf("%s gives out more than it takes", m.ID)
		}
		if m.Price.Input > m.Price.Output || m.Price.CacheRead > m.Price.Input {
			t.Errorf("%s: odd price %+v", m.ID, m.Price)
		}
		if v.Plan && m.Price != (Price{}) {
			t.Errorf("%s: a plan's request has a price", m.ID)
		}
	}
	if len(v.Models) > 0 && defaults != 1 {
		t.Errorf("%d default models", defaults)
	}
}

func TestCatalogue_EndpointsAnswerAtTheDocumentedAddresses(t *testing.T) {
	for _, c := range []struct {
		kind    string
		dialect llm.Dialect
		call    Call
		want    string
	}{
		{"cerebras", llm.OpenAI, CallMain, "https://api.cerebras.ai/v1/chat/completions"},
		{"zai", llm.OpenAI, CallMain, "https://api.z.ai/api/paas/v4/chat/completions"},
		{"zai-coding", llm.OpenAI, CallMain, "https://api.z.ai/api/coding/paas/v4/chat/completions"},
		{"zai-coding", llm.Anthropic, CallMain, "https://api.z.ai/api/anthropic/v1/messages"},
		{"zai-coding", llm.Responses, CallMain, "https://api.z.ai/api/v1/responses"},
		{"zai-cn", llm.OpenAI, CallEmbeddings, "https://open.bigmodel.cn/api/paas/v4/embeddings"},
		{"zai-coding-cn", llm.Anthropic, CallMain, "https://open.bigmodel.cn/api/anthropic/v1/messages"},
		{"minimax", llm.OpenAI, CallMain, "https://api.minimax.io/v1/chat/completions"},
		{"minimax", llm.Anthropic, CallMain, "https://api.minimax.io/anthropic/v1/messages"},
		{"minimax", llm.Anthropic, CallModels, "https://api.minimax.io/anthropic/v1/models"},
		{"minimax-cn", llm.Anthropic, CallMain, "https://api.minimaxi.com/anthropic/v1/messages"},
		{"synthetic", llm.OpenAI, CallEmbeddings, "https://api.synthetic.new/openai/v1/embeddings"},
		{"synthetic", llm.Anthropic, CallCountTokens, "https://api.synthetic.new/anthropic/v1/messages/count_tokens"},
		{"openai", llm.Responses, CallInputTokens, "https://api.openai.com/v1/responses/input_tokens"},
		{"anthropic", llm.Anthropic, CallMain, "https://api.anthropic.com/v1/messages"},
		{"openrouter", llm.Anthropic, CallMain, "https://openrouter.ai/api/v1/messages"},
		{"openrouter", llm.Responses, CallMain, "https://openrouter.ai/api/v1/responses"},
		{"groq", llm.OpenAI, CallModels, "https://api.groq.com/openai/v1/models"},
		{"deepseek", llm.Anthropic, CallMain, "https://api.deepseek.com/anthropic/v1/messages"},
		{"moonshot", llm.OpenAI, CallMain, "https://api.moonshot.ai/v1/chat/completions"},
		{"kimi-coding", llm.OpenAI, CallMain, "https://api.kimi.com/coding/v1/chat/completions"},
		{"ollama", llm.Anthropic, CallMain, "http://127.0.0.1:11434/v1/messages"},
		{"vllm", llm.Anthropic, CallCountTokens, "http://127.0.0.1:8000/v1/messages/count_tokens"},
		{"llamacpp", llm.Responses, CallMain, "http://127.0.0.1:8080/v1/responses"},
	} {
		t.Run(c.kind+"/"+string(c.dialect), func(t *testing.T) {
			e := vendor(t, c.kind).Endpoints[c.dialect]
			if !e.Has(c.call) {
				t.Error("the catalogue says it has no such call")
			}
			if got := e.URL(c.dialect, c.call); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Cerebras has no Anthropic endpoint, Z.AI's belongs to the Coding Plan.
func TestCatalogue_PlainZAIKeyIsPayAsYouGo(t *testing.T) {
	if v := vendor(t, "zai"); v.Env[0] != "ZAI_API_KEY" || len(v.Endpoints) != 1 || v.Plan {
		t.Errorf("zai: env %v, endpoints %v, plan %v", v.Env, v.Endpoints, v.Plan)
	}
	if v := vendor(t, "zai-coding"); v.Env[0] != "ZAI_CODING_API_KEY" || len(v.Endpoints) != 3 || !v.Plan {
		t.Errorf("zai-coding: env %v, endpoints %v, plan %v", v.Env, v.Endpoints, v.Plan)
	}
}

func TestCatalogue_OldNamesOfKindsStillMeanThem(t *testing.T) {
	for name, want := range map[string]string{
		"z-ai": "zai", "Z.AI": "zai", "synthetic-new": "synthetic", "claude": "anthropic", "gpt": "openai",
		"minimax-m2": "minimax", "generic-openai": "openai-compatible", "generic-anthropic": "anthropic-compatible",
	} {
		if v := vendor(t, name); v.Kind != want {
			t.Errorf("%s means %s, want %s", name, v.Kind, want)
		}
	}
	if _, ok := Catalogue().Vendor("nobody"); ok {
		t.Error("found a vendor that is not there")
	}
}

func TestModel_HasTheFiguresOfTheCatalogue(t *testing.T) {
	m, ok := vendor(t, "cerebras").Model("GPT-OSS-120b")
	if !ok {
		t.Fatal("not found")
	}
	want := &Model{
		ID: "gpt-oss-120b", Aliases: []string{}, Context: 131072, MaxOutput: 40960, Tools: true, Thinking: true, Structured: true,
		Price: Price{Input: 350_000, Output: 750_000}, Default: true,
	}
	got := *m
	got.Policy = nil
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Error(diff)
	}
	if d := vendor(t, "minimax").DefaultModel(); d == nil || d.ID != "MiniMax-M3" {
		t.Errorf("default of minimax: %+v", d)
	}
	if d := vendor(t, "ollama").DefaultModel(); d != nil {
		t.Errorf("default of ollama: %+v", d)
	}
}

func TestPlainModel(t *testing.T) {
	for in, want := range map[string]string{
		"glm-5.2[1m]": "glm-5.2", "glm-5.2": "glm-5.2", "": "", "[1m]": "[1m]", "x]": "x]", "a[b]c": "a[b]c",
	} {
		if got := PlainModel(in); got != want {
			t.Errorf("%q gave %q, want %q", in, got, want)
		}
	}
}

func TestCost_CountsCachedTokensAtTheirPrice(t *testing.T) {
	p := Price{Input: 1_000_000, Output: 4_000_000, CacheRead: 100_000, CacheWrite: 1_250_000}
	for _, c := range []struct {
		name  string
		price Price
		usage llm.Usage
		want  int64
	}{
		{"plain", p, llm.Usage{Input: 1_000_000, Output: 1_000_000}, 5_000_000},
		{"cached", p, llm.Usage{Input: 1_000_000, CacheRead: 900_000}, 190_000},
		{"written", p, llm.Usage{Input: 1_000_000, CacheWrite: 1_000_000}, 1_250_000},
		{"one token is rounded up", p, llm.Usage{Input: 1}, 1},
		{"cache without a price of its own", Price{Input: 1_000_000}, llm.Usage{Input: 10, CacheRead: 10}, 10},
		{"unknown price", Price{}, llm.Usage{Input: 10, Output: 10}, 0},
		{"parts larger than the whole", p, llm.Usage{Input: 10, CacheRead: 20}, 2},
	} {
		if got := c.price.Cost(c.usage); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestParseCatalogue_RefusesWhatDoesNotFit(t *testing.T) {
	const vendors = "vendors[1]{kind,family,also,title,env,flags,ping,quota,docs}:\n  "
	const endpoints = "endpoints[1]{kind,dialect,base,auth,calls,headers,policy}:\n  "
	const models = "models[1]{kind,id,also,context,output,can,in,out,read,write,policy,default}:\n  "
	const fine = vendors + "a,a,\"\",A,K,\"\",\"\",\"\",\"\"\n"
	for _, c := range []struct{ name, doc, want string }{
		{"not TOON", "vendors[", "1:"},
		{"unknown field", "vendor: 1", "vendor"},
		{"unknown flag", vendors + "a,a,\"\",A,K,fast,\"\",\"\",\"\"", `unknown flag "fast"`},
		{"quota nobody reads", vendors + "a,a,\"\",A,K,\"\",\"\",\"https://h/q\",\"\"", "nobody reads"},
		{"name taken", vendors + "a,a,a,A,K,\"\",\"\",\"\",\"\"", "is taken"},
		{"endpoint of nobody", fine + endpoints + "b,openai,\"\",bearer,\"\",\"\",\"\"", `no vendor "b"`},
		{"unknown call", fine + endpoints + "a,openai,\"\",bearer,dance,\"\",\"\"", `unknown call "dance"`},
		{"unknown policy", fine + endpoints + "a,openai,\"\",bearer,\"\",\"\",p", `no policy "p"`},
		{"model of nobody", fine + models + "b,m,\"\",1,1,tools,0,0,0,0,\"\",false", `no vendor "b"`},
		{"unknown ability", fine + models + "a,m,\"\",1,1,sing,0,0,0,0,\"\",false", `unknown ability "sing"`},
		{"model with unknown policy", fine + models + "a,m,\"\",1,1,tools,0,0,0,0,p,false", `no policy "p"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseCatalogue([]byte(c.doc)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func BenchmarkNewCatalogue(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newCatalogue(catalogueDocument()); err != nil {
			b.Fatal(err)
		}
	}
}

// The catalogue is written as the encoder of package toon would write it, so
// that a change shows as a change and nothing else.
func TestCatalogue_IsCanonicalTOON(t *testing.T) {
	formatted, err := toon.Format(catalogueTOON)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(formatted), string(catalogueTOON)); diff != "" {
		t.Error(diff)
	}
}

// A policy nobody names is a slip of the pen.
func TestCatalogue_EveryPolicyIsUsed(t *testing.T) {
	var doc document
	if err := toon.Unmarshal(catalogueTOON, &doc); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, e := range doc.Endpoints {
		used[e.Policy] = true
	}
	for _, m := range doc.Models {
		used[m.Policy] = true
	}
	for name := range doc.Policies {
		if !used[name] {
			t.Errorf("nobody uses the policy %q", name)
		}
	}
}

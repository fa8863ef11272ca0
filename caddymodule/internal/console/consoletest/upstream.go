package consoletest

import (
	"context"
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

type (
	providers struct{ *Fake }
	keys      struct{ *Fake }
	models    struct{ *Fake }
)

func (f providers) List(context.Context) (out []console.Provider, err error) {
	err = f.read(func() {
		out = make([]console.Provider, 0, len(f.providers))
		for _, p := range f.providers {
			out = append(out, f.shown(p))
		}
	})
	return out, err
}

func (f providers) Get(_ context.Context, id string) (out console.Provider, etag string, err error) {
	var missing error
	err = f.read(func() {
		p, err := f.provider(id)
		if err != nil {
			missing = err
			return
		}
		out, etag = f.shown(*p), f.etag()
	})
	if err == nil {
		err = missing
	}
	return out, etag, err
}

func (f providers) Create(_ context.Context, in console.NewProvider) (out console.Provider, err error) {
	err = f.change("", func() error {
		if _, err := f.provider(in.ID); err == nil {
			return console.Conflict("there is a provider of that id already")
		}
		if strings.ContainsAny(in.ID, " <>/") {
			return console.Invalid(console.Problem{Pointer: "/id", Message: "an id is made of a–z, 0–9, dot, dash and underscore"})
		}
		p := console.Provider{ID: in.ID, Title: in.ID, Origin: "overrides", Status: "idle", StatusText: "not used yet", Tier: 1, Weight: 1}
		set(&p, in.ProviderChange)
		f.providers = append(f.providers, p)
		for _, k := range in.Keys {
			f.addKey(console.NewKey{Provider: in.ID, Name: k.Name, Account: k.Account, Secret: k.Secret})
		}
		out = f.shown(p)
		return nil
	})
	return out, err
}

func set(p *console.Provider, s console.ProviderChange) {
	texts := []struct{ to, from *string }{
		{&p.Kind, s.Kind}, {&p.BaseURL, s.BaseURL}, {&p.AnthropicBaseURL, s.AnthropicBaseURL}, {&p.ResponsesBaseURL, s.ResponsesBaseURL},
	}
	for _, t := range texts {
		if t.from != nil {
			*t.to = *t.from
		}
	}
	if s.Tier != nil {
		p.Tier = *s.Tier
	}
	if s.Weight != nil {
		p.Weight = *s.Weight
	}
	if s.Enabled != nil {
		turn(p, *s.Enabled)
	}
}

func turn(p *console.Provider, on bool) {
	p.Status = "disabled"
	if on {
		p.Status = "ok"
	}
}

func (f providers) Put(_ context.Context, id, match string, s console.ProviderChange) (out console.Provider, etag string, err error) {
	err = f.change(match, func() error {
		p, err := f.provider(id)
		if err != nil {
			return err
		}
		set(p, s)
		out = f.shown(*p)
		return nil
	})
	return out, f.tag(), err
}

func (f *Fake) tag() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.etag()
}

func (f providers) Delete(_ context.Context, id, match string) error {
	return f.change(match, func() error {
		if _, err := f.provider(id); err != nil {
			return err
		}
		f.providers = slices.DeleteFunc(f.providers, func(p console.Provider) bool { return p.ID == id })
		f.keys = slices.DeleteFunc(f.keys, func(k console.Key) bool { return k.Provider == id })
		return nil
	})
}

func (f providers) Test(_ context.Context, id, _ string) (out console.TestResult, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, err := f.provider(id)
	if err != nil {
		return out, err
	}
	if p.Status == "down" {
		return console.TestResult{Status: 503, Code: "unavailable", Message: "the provider is down", MS: 12.5}, nil
	}
	return console.TestResult{OK: true, Status: 200, Code: "ok", Message: "the key is good", MS: 48.25}, nil
}

func (f providers) Toggle(_ context.Context, id string, enabled bool) (out console.Provider, err error) {
	err = f.change("", func() error {
		p, err := f.provider(id)
		if err != nil {
			return err
		}
		turn(p, enabled)
		out = f.shown(*p)
		return nil
	})
	return out, err
}

func (f providers) Order(_ context.Context, tiers map[string]int) error {
	return f.change("", func() error {
		for id := range tiers {
			if _, err := f.provider(id); err != nil {
				return err
			}
		}
		for i := range f.providers {
			if tier, ok := tiers[f.providers[i].ID]; ok {
				f.providers[i].Tier = tier
			}
		}
		return nil
	})
}

func (f providers) Catalogue(context.Context) (out []console.Kind, err error) {
	err = f.read(func() {
		out = []console.Kind{
			{Kind: "cerebras", Title: "Cerebras", Env: []string{"CEREBRAS_API_KEY"}, Models: []console.KindModel{
				{ID: "gpt-oss-120b", Context: 131072, MaxOutput: 65536, Tools: true, Thinking: true, InputPrice: ptr(int64(350_000)), OutputPrice: ptr(int64(750_000))},
			}},
			{Kind: "openai-compatible", Title: "OpenAI-compatible", NeedsBaseURL: true, KeyOptional: true},
		}
	})
	return out, err
}

func (f keys) List(context.Context) (out []console.Key, err error) {
	err = f.read(func() { out = slices.Clone(f.keys) })
	return out, err
}

func (f *Fake) addKey(in console.NewKey) console.Key {
	secret := in.Secret.Reveal()
	k := console.Key{
		Provider: in.Provider, Name: in.Name, Account: in.Account, State: "ready", Enabled: true,
		Source: "vault", Last4: secret[max(0, len(secret)-4):], Rests: []console.Rest{},
	}
	f.keys = append(f.keys, k)
	f.secrets[in.Provider+"/"+in.Name] = secret
	return k
}

func (f keys) Create(_ context.Context, in console.NewKey) (out console.Key, err error) {
	err = f.change("", func() error {
		if _, err := f.provider(in.Provider); err != nil {
			return err
		}
		if _, err := f.key(in.Provider, in.Name); err == nil {
			return console.Conflict("the provider has a key of that name already")
		}
		out = f.addKey(in)
		return nil
	})
	return out, err
}

// edit changes one key in place.
func (f keys) edit(provider, name string, do func(*console.Key)) (out console.Key, err error) {
	err = f.change("", func() error {
		i, err := f.key(provider, name)
		if err != nil {
			return err
		}
		do(&f.keys[i])
		out = f.keys[i]
		return nil
	})
	return out, err
}

func (f keys) Put(_ context.Context, provider, name string, c console.KeyChange) (console.Key, error) {
	return f.edit(provider, name, func(k *console.Key) {
		if c.Enabled != nil {
			k.Enabled, k.State = *c.Enabled, "disabled"
			if *c.Enabled {
				k.State = "ready"
			}
		}
		if c.Account != nil {
			k.Account = *c.Account
		}
		if c.Secret != nil {
			f.secrets[provider+"/"+name] = c.Secret.Reveal()
		}
	})
}

func (f keys) Delete(_ context.Context, provider, name string) error {
	return f.change("", func() error {
		i, err := f.key(provider, name)
		if err != nil {
			return err
		}
		f.keys = slices.Delete(f.keys, i, i+1)
		delete(f.secrets, provider+"/"+name)
		return nil
	})
}

func (f keys) Reset(_ context.Context, provider, name string) (console.Key, error) {
	return f.edit(provider, name, func(k *console.Key) {
		k.State, k.Until, k.Reason, k.Rests = "ready", console.Time{}, "", []console.Rest{}
	})
}

func (f models) List(context.Context) (out console.ModelTable, err error) {
	err = f.read(func() { out = f.table() })
	return out, err
}

func (f *Fake) table() console.ModelTable {
	return console.ModelTable{Aliases: f.aliases(), Rows: slices.Clone(f.rows), Etag: f.etag()}
}

func (f *Fake) aliases() []console.Alias {
	out := []console.Alias{}
	for _, r := range f.rows {
		i := slices.IndexFunc(out, func(a console.Alias) bool { return a.Alias == r.Alias })
		if i < 0 {
			i = len(out)
			out = append(out, console.Alias{Alias: r.Alias, Strategy: "fastest"})
		}
		c := console.Candidate{Provider: r.Provider, Model: r.Model, Tier: 1, Weight: 1, Enabled: true, ScoreMS: 310.5, ExpectedTTFTMS: 220, TokensPerSecond: 150, Reason: "fastest now"}
		if r.Tier != nil {
			c.Tier = *r.Tier
		}
		if r.Weight != nil {
			c.Weight = *r.Weight
		}
		if r.Enabled != nil && !*r.Enabled {
			c.Enabled, c.Reason, c.Filtered = false, "", "turned off"
		}
		c.Picked = c.Enabled && len(out[i].Candidates) == 0
		out[i].Candidates = append(out[i].Candidates, c)
	}
	return out
}

func (f models) Put(_ context.Context, match string, rows []console.ModelRow) (out console.ModelTable, err error) {
	err = f.change(match, func() error {
		for i, r := range rows {
			if _, err := f.provider(r.Provider); err != nil {
				return console.Invalid(console.Problem{Pointer: "/rows/" + itoa(i) + "/provider", Message: "there is no such provider", Hint: "zai"})
			}
		}
		f.rows = slices.Clone(rows)
		return nil
	})
	if err == nil {
		err = f.read(func() { out = f.table() })
	}
	return out, err
}

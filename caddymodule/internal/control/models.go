package control

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/aimux/aimux/schema"
)

// models is console.Models.
type models struct{ *Plane }

// List returns what clients may ask for and who would answer now.
func (m models) List(context.Context) (console.ModelTable, error) {
	o, err := schema.ReadOverrides(m.Overrides)
	if err != nil {
		return console.ModelTable{}, told(err)
	}
	v := m.Gateway.View()
	table := console.ModelTable{Etag: o.Tag(), Aliases: []console.Alias{}, Rows: []console.ModelRow{}}
	for _, row := range v.Result.Config.Models {
		on := row.On()
		r := console.ModelRow{Alias: row.Alias, Provider: row.Provider, Model: row.Model, Enabled: &on}
		if row.Tier > 0 {
			r.Tier = &row.Tier
		}
		if row.Weight > 0 {
			r.Weight = &row.Weight
		}
		table.Rows = append(table.Rows, r)
	}
	names := v.Router.Names()
	for _, row := range v.Result.Config.Models {
		if !slices.Contains(names, row.Alias) {
			names = append(names, row.Alias) // patterns
		}
	}
	for _, name := range names {
		table.Aliases = append(table.Aliases, v.alias(name))
	}
	return table, nil
}

// switchedOff lists the rows of an alias that cannot be asked because somebody
// turned them or their provider off, or because the provider has no key.
func (v *View) switchedOff(alias string) []console.Candidate {
	var out []console.Candidate
	working := map[string]bool{}
	for _, p := range v.Providers {
		working[p.Name] = true
	}
	for _, row := range v.Result.Config.Models {
		provider := v.Result.Config.Providers[row.Provider]
		why := ""
		switch {
		case row.Alias != alias:
			continue
		case !row.On():
			why = "switched off"
		case !provider.On():
			why = "the provider is switched off"
		case !working[row.Provider]:
			why = "the provider has no key"
		default:
			continue
		}
		out = append(out, console.Candidate{Provider: row.Provider, Model: row.Model, Tier: cmp.Or(row.Tier, provider.Tier, 1), Weight: max(row.Weight, 1), Filtered: why})
	}
	return out
}

// alias shows how a small request for a name would be routed now.
func (v View) alias(name string) console.Alias {
	out := console.Alias{Alias: name, Candidates: []console.Candidate{}}
	plan, err := v.Router.Plan(&route.Query{Model: name, Dialect: llm.OpenAI, Needs: route.Needs{PromptBytes: 4 << 10}, Now: time.Now()})
	if err == nil {
		out.Strategy = string(plan.Strategy)
		for i := range plan.Candidates {
			shown := v.candidate(&plan.Candidates[i], i == 0 && len(plan.Targets) > 0)
			if i >= len(plan.Targets) {
				shown.Filtered = cmp.Or(shown.Reason, "not fit for this")
			}
			out.Candidates = append(out.Candidates, shown)
		}
	}
	out.Candidates = append(out.Candidates, v.switchedOff(name)...)
	return out
}

func (v View) candidate(c *route.Candidate, first bool) console.Candidate {
	out := console.Candidate{
		Provider: c.Target.Provider, Model: c.Target.Model, Tier: c.Tier, Weight: max(c.Target.Weight, 1), Enabled: true,
		Picked: first && c.Ready, ScoreMS: c.Cost * 1000, ExpectedTTFTMS: millis(c.Expected), InFlight: int64(c.InFlight),
		Reason: string(c.Reason), RestingUntil: console.At(c.Until),
	}
	if c.Target.Health != nil {
		out.TokensPerSecond = c.Target.Health.Snapshot(time.Now()).TokensPerSecond
	}
	return out
}

// Put replaces the rows. A row of the user's file that is not among the new
// ones is switched off; the file itself stays as it is.
func (m models) Put(ctx context.Context, match string, rows []console.ModelRow) (console.ModelTable, error) {
	err := m.edit(ctx, match, "changed the models", func(o *schema.Overrides, r *schema.Result) error {
		for _, old := range r.Config.Models {
			named := map[string]any{"alias": old.Alias, "provider": old.Provider, "model": old.Model}
			o.DropRow("/models", named)
		}
		wanted := map[[3]string]bool{}
		for _, row := range rows {
			wanted[[3]string{row.Alias, row.Provider, row.Model}] = true
			if err := o.AddRow("/models", rowOf(row)); err != nil {
				return err
			}
		}
		return m.switchOff(o, r, wanted)
	})
	if err != nil {
		return console.ModelTable{}, err
	}
	return m.List(ctx)
}

// switchOff disables the rows of the file that are no longer wanted.
func (m models) switchOff(o *schema.Overrides, r *schema.Result, wanted map[[3]string]bool) error {
	for i, old := range r.Config.Models {
		layer := r.LayerOf("/models/" + itoa(i) + "/model")
		if wanted[[3]string{old.Alias, old.Provider, old.Model}] || layer == schema.LayerOverrides {
			continue
		}
		off := map[string]any{"alias": old.Alias, "provider": old.Provider, "model": old.Model, "enabled": false}
		if err := o.AddRow("/models", off); err != nil {
			return err
		}
	}
	return nil
}

func rowOf(row console.ModelRow) map[string]any {
	out := map[string]any{"alias": row.Alias, "provider": row.Provider, "model": row.Model}
	if row.Tier != nil {
		out["tier"] = *row.Tier
	}
	if row.Weight != nil {
		out["weight"] = *row.Weight
	}
	if row.Enabled != nil {
		out["enabled"] = *row.Enabled
	}
	return out
}

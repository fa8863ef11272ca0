package provider

import (
	"sync"

	"github.com/aimux/aimux/schema"
)

// Known tells package schema what the catalogue knows, so that a misspelt kind
// or model is found while a configuration is checked.
func Known() schema.Known { return known() }

var known = sync.OnceValue(func() schema.Known {
	k := schema.Known{Kinds: map[string]schema.Kind{}}
	env := map[string]bool{}
	for _, v := range Catalogue().Vendors() {
		kind := schema.Kind{
			Also: v.Also,
			Env:  v.Env, NeedsBaseURL: v.NeedsURL, KeyOptional: v.KeyOptional, Local: v.Local,
			AnyModel: v.Kind != schema.SimulatorKind, Discover: len(v.Env) > 0 && !env[v.Env[0]] && !v.NeedsURL && !v.Local,
		}
		if kind.Discover {
			env[v.Env[0]] = true // one kind answers for a variable: the first
		}
		for _, m := range v.Models {
			kind.Models = append(append(kind.Models, m.ID), m.Aliases...)
		}
		k.Kinds[v.Kind] = kind
	}
	return k
})

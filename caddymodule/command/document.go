package command

import (
	"fmt"
	"os"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
	"github.com/aimux/aimux/toon"
)

// firstDocument writes the configuration of the providers chosen: their keys, and
// a row for each that lets it answer any model a client asks for.
func firstDocument(picks []*chosen) ([]byte, error) {
	var providers []toon.Field
	var keys, models []toon.Value
	text := func(key, value string) toon.Field { return toon.Field{Key: key, Value: toon.StringValue(value)} }
	for _, c := range picks {
		kind := c.vendor.Kind
		providers = append(providers, toon.Field{Key: kind, Value: toon.ObjectValue(text("kind", kind), toon.Field{Key: "tier", Value: toon.IntValue(1)})})
		var refs []string
		for _, id := range c.ids {
			refs = append(refs, "vault:"+id)
		}
		for _, env := range c.envs {
			refs = append(refs, "env:"+env)
		}
		for i, ref := range refs {
			keys = append(keys, toon.ObjectValue(text("provider", kind), text("name", numberedName(i)), text("secret", ref)))
		}
		if m := c.vendor.DefaultModel(); m != nil {
			models = append(models, toon.ObjectValue(text("alias", "*"), text("provider", kind), text("model", m.ID)))
		}
	}
	fields := []toon.Field{{Key: "version", Value: toon.IntValue(schema.Version)}, {Key: "providers", Value: toon.ObjectValue(providers...)}}
	if len(keys) > 0 {
		fields = append(fields, toon.Field{Key: "keys", Value: toon.ArrayValue(keys...)})
	}
	if len(models) > 0 {
		fields = append(fields, toon.Field{Key: "models", Value: toon.ArrayValue(models...)})
	}
	body, err := toon.Encode(toon.ObjectValue(fields...))
	if err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	head := "# Made by `aimux init`. Every setting: docs/configuration.md, or aimux config schema.\n" +
		"# Rows of models with the alias * answer whatever name a client asks for.\n"
	document, err := schema.Convert(append([]byte(head), body...), schema.TOON, schema.TOON)
	if err != nil {
		return nil, err
	}
	_, err = schema.Load(schema.Options{Data: document, Path: "aimux.toon", Environ: os.Environ(), Known: provider.Known()})
	return document, err
}

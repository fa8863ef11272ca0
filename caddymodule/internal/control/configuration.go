package control

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/schema"
)

// configuration is console.Config.
type configuration struct{ *Plane }

// Get returns the configuration in force.
func (c configuration) Get(context.Context) (console.ConfigView, error) {
	o, err := schema.ReadOverrides(c.Overrides)
	if err != nil {
		return console.ConfigView{}, told(err)
	}
	v := c.Gateway.View()
	view := console.ConfigView{Etag: o.Tag(), Source: v.Source, Values: values(v.Result), Overrides: []console.ConfigSet{}, Undo: []console.ConfigUndo{}}
	if view.Source == "" {
		view.Source = "the environment"
	}
	text, err := os.ReadFile(c.Overrides)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return view, err
	}
	view.Text = string(text)
	for _, x := range view.Values {
		if x.Layer == "overrides" {
			view.Overrides = append(view.Overrides, console.ConfigSet{Pointer: x.Pointer, Value: x.Value})
		}
	}
	for _, f := range c.formers() {
		view.Undo = append(view.Undo, console.ConfigUndo{ID: f.ID, At: console.At(f.At), Actor: f.Actor, Summary: f.Summary})
	}
	return view, nil
}

// values lists every setting with the layer it comes from.
func values(r *schema.Result) []console.ConfigValue {
	var out []console.ConfigValue
	for s := range schema.Settings(r) {
		v := console.ConfigValue{Pointer: s.Pointer, Value: jsontext.Value(s.Value), Layer: s.Layer, Origin: s.Layer}
		if s.Position.Line > 0 {
			v.Origin = s.Position.String()
		}
		switch s.Layer {
		case schema.LayerDefault, schema.LayerFile, schema.LayerOverrides:
		default:
			v.Layer = "environment"
		}
		out = append(out, v)
	}
	return out
}

// Put applies changes.
func (c configuration) Put(ctx context.Context, match string, change console.ConfigChange) (console.ConfigView, error) {
	err := c.edit(ctx, match, summaryOf(change), func(o *schema.Overrides, r *schema.Result) error { return changeAll(o, r, change) })
	if err != nil {
		return console.ConfigView{}, err
	}
	return c.Get(ctx)
}

// summaryOf says in a few words what a change is about.
func summaryOf(change console.ConfigChange) string {
	var pointers []string
	for _, s := range change.Set {
		pointers = append(pointers, s.Pointer)
	}
	pointers = append(pointers, change.Unset...)
	switch len(pointers) {
	case 0:
		return "nothing"
	case 1:
		return pointers[0]
	}
	return pointers[0] + " and others"
}

// changeAll makes every change, or says all that is wrong with them.
func changeAll(o *schema.Overrides, r *schema.Result, change console.ConfigChange) error {
	var problems []console.Problem
	note := func(pointer string, err error) {
		if err != nil {
			problems = append(problems, console.Problem{Pointer: pointer, Message: err.Error()})
		}
	}
	for _, s := range change.Set {
		var value any
		if err := json.Unmarshal(s.Value, &value); err != nil {
			note(s.Pointer, errors.New("the value is not JSON"))
			continue
		}
		note(s.Pointer, o.Set(r, s.Pointer, value))
	}
	for _, pointer := range change.Unset {
		_, err := o.Unset(r, pointer)
		note(pointer, err)
	}
	if len(problems) > 0 {
		return console.Invalid(problems...)
	}
	return nil
}

// Validate says what Put would do.
func (c configuration) Validate(_ context.Context, change console.ConfigChange) (console.ConfigCheck, error) {
	o, err := schema.ReadOverrides(c.Overrides)
	if err != nil {
		return console.ConfigCheck{}, told(err)
	}
	present := c.Gateway.View().Result
	check := console.ConfigCheck{Problems: []console.Problem{}, Diff: []console.ConfigDiff{}}
	after, err := c.changed(o, present, change)
	var refused *console.Error
	if errors.As(told(err), &refused) {
		check.Problems = refused.Problems
		if len(check.Problems) == 0 {
			check.Problems = []console.Problem{{Message: refused.Message}}
		}
		return check, nil
	}
	if err != nil {
		return check, err
	}
	check.OK, check.Diff = true, diff(values(present), values(after))
	return check, nil
}

// changed is the configuration as it would be.
func (c configuration) changed(o *schema.Overrides, present *schema.Result, change console.ConfigChange) (*schema.Result, error) {
	if err := c.changeable(); err != nil {
		return nil, err
	}
	if err := changeAll(o, present, change); err != nil {
		return nil, err
	}
	text, err := o.Text()
	if err != nil {
		return nil, err
	}
	return c.Gateway.Check(text)
}

// diff lists the settings in which two configurations differ.
func diff(before, after []console.ConfigValue) []console.ConfigDiff {
	out := []console.ConfigDiff{}
	was := map[string]jsontext.Value{}
	for _, v := range before {
		was[v.Pointer] = v.Value
	}
	for _, v := range after {
		if old, ok := was[v.Pointer]; !ok || string(old) != string(v.Value) {
			out = append(out, console.ConfigDiff{Pointer: v.Pointer, Before: old, After: v.Value})
		}
		delete(was, v.Pointer)
	}
	for _, v := range before {
		if old, gone := was[v.Pointer]; gone {
			out = append(out, console.ConfigDiff{Pointer: v.Pointer, Before: old})
		}
	}
	return out
}

// Undo goes back to before a change.
func (c configuration) Undo(ctx context.Context, id string) (console.ConfigView, error) {
	if err := c.goBack(ctx, id); err != nil {
		return console.ConfigView{}, err
	}
	return c.Get(ctx)
}

// Schema returns the JSON Schema of the configuration.
func (configuration) Schema(context.Context) (jsontext.Value, error) { return schema.SchemaJSON(), nil }

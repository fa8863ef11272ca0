package console

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Config is the configuration and the part of it the console owns.
type Config interface {
	Get(ctx context.Context) (ConfigView, error)
	// Put applies a change if the version is still match, or match is "*";
	// otherwise the error is Stale. A change that makes the whole invalid is
	// refused with Invalid and all problems, and nothing changes.
	Put(ctx context.Context, match string, c ConfigChange) (ConfigView, error)
	// Validate says what Put would do.
	Validate(ctx context.Context, c ConfigChange) (ConfigCheck, error)
	// Undo goes back to before one of the changes in ConfigView.Undo.
	Undo(ctx context.Context, id string) (ConfigView, error)
	// Schema returns the JSON Schema of the configuration.
	Schema(ctx context.Context) (jsontext.Value, error)
}

// ConfigView is the configuration in force.
type ConfigView struct {
	Etag      string        `json:"etag"`
	Source    string        `json:"source"` // the user's file, or where else it comes from
	Text      string        `json:"text"`   // overrides.toon
	Values    []ConfigValue `json:"values"`
	Overrides []ConfigSet   `json:"overrides"`
	Undo      []ConfigUndo  `json:"undo"`
}

// ConfigValue is one value in force and where it comes from.
type ConfigValue struct {
	Pointer string         `json:"pointer"`
	Value   jsontext.Value `json:"value"` // secrets are references or [redacted]
	Layer   string         `json:"layer"` // default, file, overrides, environment, catalogue
	Origin  string         `json:"origin"`
}

// ConfigSet sets the value at a JSON pointer.
type ConfigSet struct {
	Pointer string         `json:"pointer"`
	Value   jsontext.Value `json:"value"`
}

// ConfigUndo is a change that can be taken back.
type ConfigUndo struct {
	ID      string `json:"id"`
	At      Time   `json:"at"`
	Actor   string `json:"actor"`
	Summary string `json:"summary"`
}

// ConfigChange is a change to what the console owns.
type ConfigChange struct {
	Set   []ConfigSet `json:"set,omitzero"`
	Unset []string    `json:"unset,omitzero"`
}

// ConfigCheck says what a change would do.
type ConfigCheck struct {
	OK       bool         `json:"ok"`
	Problems []Problem    `json:"problems"`
	Diff     []ConfigDiff `json:"diff"`
}

// ConfigDiff is one value before and after; absent is not there.
type ConfigDiff struct {
	Pointer string         `json:"pointer"`
	Before  jsontext.Value `json:"before,omitzero"`
	After   jsontext.Value `json:"after,omitzero"`
}

const maxChanges = 10_000

func (c ConfigChange) check() error {
	var p problems
	if len(c.Set)+len(c.Unset) == 0 {
		p.add("", "nothing to change")
	}
	if len(c.Set)+len(c.Unset) > maxChanges {
		p.add("", "more changes than the gateway takes at once")
		return p.err()
	}
	pointer := func(at, v string) {
		p.text(at, v, true)
		if v != "" && !strings.HasPrefix(v, "/") {
			p.add(at, "a JSON pointer begins with /")
		}
	}
	for i, s := range c.Set {
		pointer(fmt.Sprintf("/set/%d/pointer", i), s.Pointer)
		if len(s.Value) == 0 {
			p.add(fmt.Sprintf("/set/%d/value", i), "this is needed")
		}
	}
	for i, u := range c.Unset {
		pointer(fmt.Sprintf("/unset/%d", i), u)
	}
	return p.err()
}

func (k *call) readConfigChange() (c ConfigChange, err error) {
	if err := k.read(&c); err != nil {
		return c, err
	}
	return c, c.check()
}

func getConfig(k *call) (any, error) {
	v, err := k.c.o.Backend.Config.Get(k.ctx())
	return k.configAnswer(v, err)
}

func (k *call) configAnswer(v ConfigView, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	k.tag(v.Etag)
	return v, nil
}

func putConfig(k *call) (any, error) {
	match, err := k.match()
	if err != nil {
		return nil, err
	}
	in, err := k.readConfigChange()
	if err != nil {
		return nil, err
	}
	check, err := k.c.o.Backend.Config.Validate(k.ctx(), in)
	if err != nil {
		return nil, err
	}
	// An invalid change is refused here, before the log is told of one. The
	// differences, not the request, go to the log: the backend knows which
	// values are secret.
	if !check.OK {
		return nil, Invalid(check.Problems...)
	}
	var out ConfigView
	err = k.change("", nil, check.Diff, func() (err error) {
		out, err = k.c.o.Backend.Config.Put(k.settled(), match, in)
		return err
	})
	if err == nil {
		k.c.feed.Config(out.Etag)
	}
	return k.configAnswer(out, err)
}

func validateConfig(k *call) (any, error) {
	in, err := k.readConfigChange()
	if err != nil {
		return nil, err
	}
	return k.c.o.Backend.Config.Validate(k.ctx(), in)
}

func undoConfig(k *call) (any, error) {
	var in struct {
		ID string `json:"id"`
	}
	if err := k.read(&in); err != nil {
		return nil, err
	}
	var p problems
	p.text("/id", in.ID, true)
	if err := p.err(); err != nil {
		return nil, err
	}
	var out ConfigView
	err := k.change(in.ID, nil, nil, func() (err error) {
		out, err = k.c.o.Backend.Config.Undo(k.settled(), in.ID)
		return err
	})
	if err == nil {
		k.c.feed.Config(out.Etag)
	}
	return k.configAnswer(out, err)
}

func getConfigSchema(k *call) (any, error) {
	return k.c.o.Backend.Config.Schema(k.ctx())
}

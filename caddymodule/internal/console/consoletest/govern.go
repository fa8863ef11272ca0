package consoletest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

type (
	clients struct{ *Fake }
	audit   struct{ *Fake }
	config  struct{ *Fake }
)

func itoa(n int) string { return strconv.Itoa(n) }

func (f clients) List(context.Context) (out []console.Client, err error) {
	err = f.read(func() { out = slices.Clone(f.clients) })
	return out, err
}

func (f clients) Create(_ context.Context, s console.ClientSettings) (out console.Client, token string, err error) {
	err = f.change("", func() error {
		if _, err := f.client(s.Name); err == nil {
			return console.Conflict("there is a client of that name already")
		}
		out = console.Client{ID: s.Name, ClientSettings: s, Created: console.At(f.now()), Source: "store"}
		out.Enabled = ptr(s.Enabled == nil || *s.Enabled)
		f.clients = append(f.clients, out)
		token = f.token()
		return nil
	})
	return out, token, err
}

func (f *Fake) token() string {
	sum := sha256.Sum256([]byte(itoa(f.version)))
	return "amx_test_" + hex.EncodeToString(sum[:])[:43]
}

func (f clients) Put(_ context.Context, id string, s console.ClientSettings) (out console.Client, err error) {
	err = f.change("", func() error {
		i, err := f.client(id)
		if err != nil {
			return err
		}
		if f.clients[i].Source == "config" {
			return console.Conflict("this client stands in the configuration file")
		}
		s.Enabled = ptr(s.Enabled == nil || *s.Enabled)
		f.clients[i].ClientSettings = s
		out = f.clients[i]
		return nil
	})
	return out, err
}

func (f clients) Delete(_ context.Context, id string) error {
	return f.change("", func() error {
		i, err := f.client(id)
		if err != nil {
			return err
		}
		f.clients = slices.Delete(f.clients, i, i+1)
		return nil
	})
}

func (f clients) Rotate(_ context.Context, id string, _ time.Duration) (out console.Client, token string, err error) {
	err = f.change("", func() error {
		i, err := f.client(id)
		if err != nil {
			return err
		}
		out, token = f.clients[i], f.token()
		return nil
	})
	return out, token, err
}

func (f audit) Begin(_ context.Context, e console.AuditEntry) (func(string), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.AuditErr != nil {
		return nil, f.AuditErr
	}
	prev := ""
	if n := len(f.records); n > 0 {
		prev = f.records[n-1].Hash
	}
	r := console.AuditRecord{
		Seq: int64(len(f.records) + 1), Time: console.At(f.now()), Actor: e.Actor, IP: e.IP, Action: e.Action,
		Target: e.Target, Before: e.Before, After: e.After, Outcome: "begun",
	}
	r.Hash = chain(prev, r)
	f.records = append(f.records, r)
	at := len(f.records) - 1
	return func(outcome string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.records[at].Outcome = outcome
	}, nil
}

func chain(prev string, r console.AuditRecord) string {
	sum := sha256.Sum256(fmt.Append(nil, prev, r.Seq, r.Actor, r.Action, r.Target, string(r.Before), string(r.After)))
	return hex.EncodeToString(sum[:])
}

func (f audit) Records(_ context.Context, cursor string, limit int) (out []console.AuditRecord, next string, err error) {
	err = f.read(func() {
		out = []console.AuditRecord{}
		from := len(f.records)
		if n, err := strconv.Atoi(cursor); err == nil {
			from = min(max(n-1, 0), from)
		}
		for i := from - 1; i >= 0 && len(out) < limit; i-- {
			out = append(out, f.records[i])
		}
		if n := len(out); n > 0 && out[n-1].Seq > 1 {
			next = strconv.FormatInt(out[n-1].Seq, 10)
		}
	})
	return out, next, err
}

func (f audit) Verify(context.Context) (out console.AuditVerdict, err error) {
	err = f.read(func() {
		out = console.AuditVerdict{OK: true, Message: "the chain is whole", Records: int64(len(f.records))}
		prev := ""
		for _, r := range f.records {
			if chain(prev, r) != r.Hash {
				out.OK, out.FirstBad, out.Message = false, ptr(r.Seq), "a record was changed"
				return
			}
			prev = r.Hash
		}
	})
	return out, err
}

func (f config) Get(context.Context) (out console.ConfigView, err error) {
	err = f.read(func() { out = f.view() })
	return out, err
}

func (f *Fake) view() console.ConfigView {
	v := console.ConfigView{
		Etag: f.etag(), Source: "aimux.toon", Overrides: slices.Clone(f.overrides), Undo: []console.ConfigUndo{},
		Values: []console.ConfigValue{
			{Pointer: "/version", Value: jsontext.Value("1"), Layer: "file", Origin: "aimux.toon:1"},
			{Pointer: "/timeouts/connect", Value: jsontext.Value(`"5s"`), Layer: "default", Origin: "default"},
			{Pointer: "/keys/0/secret", Value: jsontext.Value(`"env:CEREBRAS_API_KEY"`), Layer: "file", Origin: "aimux.toon:9"},
		},
	}
	var text strings.Builder
	for _, o := range f.overrides {
		fmt.Fprintf(&text, "%s: %s\n", strings.ReplaceAll(strings.TrimPrefix(o.Pointer, "/"), "/", "."), o.Value)
		v.Values = append(v.Values, console.ConfigValue{Pointer: o.Pointer, Value: o.Value, Layer: "overrides", Origin: "overrides.toon"})
	}
	for _, u := range f.undo {
		v.Undo = append(v.Undo, u.ConfigUndo)
	}
	v.Text = text.String()
	return v
}

// check finds fault with values below /invalid, and with any that is "bad".
func check(c console.ConfigChange) (out []console.Problem) {
	for _, s := range c.Set {
		if strings.HasPrefix(s.Pointer, "/invalid") || bytes.Equal(s.Value, []byte(`"bad"`)) {
			out = append(out, console.Problem{Pointer: s.Pointer, Line: 3, Column: 5, Message: "not a value for this", Hint: "5s"})
		}
	}
	return out
}

func (f config) Validate(_ context.Context, c console.ConfigChange) (out console.ConfigCheck, err error) {
	err = f.read(func() {
		out.Problems = check(c)
		out.OK = len(out.Problems) == 0
		for _, s := range c.Set {
			d := console.ConfigDiff{Pointer: s.Pointer, After: s.Value}
			for _, o := range f.overrides {
				if o.Pointer == s.Pointer {
					d.Before = o.Value
				}
			}
			out.Diff = append(out.Diff, d)
		}
	})
	return out, err
}

func (f config) Put(ctx context.Context, match string, c console.ConfigChange) (out console.ConfigView, err error) {
	err = f.change(match, func() error {
		if p := check(c); len(p) > 0 {
			return console.Invalid(p...)
		}
		f.undo = append(f.undo, undo{
			ConfigUndo: console.ConfigUndo{ID: id("undo", f.version), At: console.At(f.now()), Actor: console.Actor(ctx), Summary: itoa(len(c.Set)+len(c.Unset)) + " values"},
			before:     slices.Clone(f.overrides),
		})
		for _, s := range c.Set {
			f.unset(s.Pointer)
			f.overrides = append(f.overrides, s)
		}
		for _, u := range c.Unset {
			f.unset(u)
		}
		return nil
	})
	return f.after(err)
}

func (f *Fake) unset(pointer string) {
	f.overrides = slices.DeleteFunc(slices.Clone(f.overrides), func(o console.ConfigSet) bool { return o.Pointer == pointer })
}

// after returns the configuration as a change left it.
func (f *Fake) after(err error) (console.ConfigView, error) {
	if err != nil {
		return console.ConfigView{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view(), nil
}

func (f config) Undo(_ context.Context, id string) (console.ConfigView, error) {
	return f.after(f.change("", func() error {
		i := slices.IndexFunc(f.undo, func(u undo) bool { return u.ID == id })
		if i < 0 {
			return console.NotFound("there is nothing of that id to undo")
		}
		f.overrides = f.undo[i].before
		f.undo = f.undo[:i]
		return nil
	}))
}

func (f config) Schema(context.Context) (jsontext.Value, error) {
	return jsontext.Value(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}`), nil
}

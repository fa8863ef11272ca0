package control_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

func ptr[V any](v V) *V { return &v }

// status is what a caller of the API would see; 0: it went well.
func status(err error) int {
	var e *console.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.Status
	}
	return 500
}

var fresh = console.NewProvider{
	ID: "mine", ProviderChange: console.ProviderChange{Kind: ptr("openai-compatible"), BaseURL: ptr("https://llm.example.com/v1"), Tier: ptr(3)},
	Keys: []console.ProviderKey{{Name: "main", Secret: "sk-fresh-secret"}, {Name: "spare", Secret: "sk-spare-secret"}},
}

func TestProviders_OneThatIsAddedServesAndCanBeRemoved(t *testing.T) {
	g, b := begin(t, document)
	p, err := b.Providers.Create(t.Context(), fresh)
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != "mine" || p.Tier != 3 || p.Origin != "overrides" || len(p.Keys) != 2 || p.Keys[0].State != "ready" || p.Keys[0].Source != "vault" {
		t.Errorf("added as %+v", p)
	}
	if diff := cmp.Diff([]string{"mine-main", "mine-spare"}, g.secrets()); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(g.overrides(), "sk-") {
		t.Errorf("a secret is in the overrides: %s", g.overrides())
	}
	if _, err := b.Providers.Create(t.Context(), fresh); status(err) != 409 {
		t.Errorf("added twice: %v", err)
	}
	_, tag, _ := b.Providers.Get(t.Context(), "mine")
	if err := b.Providers.Delete(t.Context(), "mine", tag); err != nil {
		t.Fatal(err)
	}
	if left := g.secrets(); len(left) != 0 || strings.Contains(g.overrides(), "mine") {
		t.Errorf("left behind: %v %s", left, g.overrides())
	}
}

// The vault is made for the first key, and is not yet in view when that fails.
func TestProviders_WhatCannotBePutInForceLeavesNothingBehind(t *testing.T) {
	g, b := begin(t, document)
	g.failing = errors.New("no")
	if _, err := b.Providers.Create(t.Context(), fresh); status(err) != 409 {
		t.Errorf("%v", err)
	}
	if left := g.secrets(); len(left) != 0 || g.overrides() != "" {
		t.Errorf("left behind: %v %q", left, g.overrides())
	}
	g.failing = nil
	if _, err := b.Providers.Create(t.Context(), fresh); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	before := g.overrides()
	g.failing = errors.New("no")
	if _, _, err := b.Providers.Put(t.Context(), "one", "*", console.ProviderChange{Tier: ptr(7)}); status(err) != 409 {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(before, g.overrides()); diff != "" {
		t.Errorf("the overrides changed: %s", diff)
	}
}

func TestProviders_AreRefusedWithTheFieldThatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change  console.ProviderChange
		pointer string
	}{
		"a kind nobody knows":       {console.ProviderChange{Kind: ptr("nothing")}, "kind"},
		"no address":                {console.ProviderChange{Kind: ptr("openai-compatible")}, "base_url"},
		"plain HTTP to another one": {console.ProviderChange{Kind: ptr("openai-compatible"), BaseURL: ptr("http://llm.example.com/v1")}, "base_url"},
	} {
		t.Run(name, func(t *testing.T) {
			g, b := begin(t, document)
			_, err := b.Providers.Create(t.Context(), console.NewProvider{ID: "mine", ProviderChange: c.change})
			var e *console.Error
			if !errors.As(err, &e) || e.Status != 422 || len(e.Problems) == 0 || !strings.HasSuffix(e.Problems[0].Pointer, "/"+c.pointer) {
				t.Errorf("%+v", err)
			}
			if g.overrides() != "" || g.applied != 1 {
				t.Errorf("something was written: %s", g.overrides())
			}
		})
	}
}

func TestProviders_AServerOnThisMachineMayBePlainHTTP(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:8000/v1", "http://localhost:8000/v1", "http://[::1]:8000/v1"} {
		g, b := begin(t, document)
		if _, err := b.Providers.Create(t.Context(), console.NewProvider{ID: "mine", ProviderChange: console.ProviderChange{Kind: ptr("openai-compatible"), BaseURL: &url}}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if !strings.Contains(g.overrides(), "allow_http: true") {
			t.Errorf("%s: %s", url, g.overrides())
		}
	}
}

func TestProviders_OfTheFileCanBeSwitchedOffButNotRemoved(t *testing.T) {
	g, b := begin(t, document)
	if err := b.Providers.Delete(t.Context(), "one", "*"); status(err) != 409 {
		t.Errorf("removed: %v", err)
	}
	p, err := b.Providers.Toggle(t.Context(), "one", false)
	if err != nil || p.Status != "disabled" || len(g.View().Providers) != 1 {
		t.Errorf("%v %+v", err, p)
	}
	if p, err := b.Providers.Toggle(t.Context(), "one", true); err != nil || p.Status != "idle" {
		t.Errorf("%v %+v", err, p)
	}
	if err := b.Providers.Order(t.Context(), map[string]int{"one": 4, "two": 1}); err != nil {
		t.Fatal(err)
	}
	all, err := b.Providers.List(t.Context())
	if err != nil || all[0].Tier != 4 || all[1].Tier != 1 {
		t.Errorf("%v %+v", err, all)
	}
	if err := b.Providers.Order(t.Context(), map[string]int{"one": 1, "none": 1}); status(err) != 404 {
		t.Errorf("an order of who is not there: %v", err)
	}
}

func TestProviders_ATagThatIsStaleChangesNothing(t *testing.T) {
	_, b := begin(t, document)
	_, tag, err := b.Providers.Get(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Providers.Put(t.Context(), "one", tag, console.ProviderChange{Tier: ptr(5)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Providers.Put(t.Context(), "one", tag, console.ProviderChange{Tier: ptr(6)}); status(err) != 412 {
		t.Errorf("%v", err)
	}
	if p, _, _ := b.Providers.Get(t.Context(), "one"); p.Tier != 5 {
		t.Errorf("tier %d", p.Tier)
	}
}

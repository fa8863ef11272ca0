package control_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

// secretOf reads a secret out of the vault.
func (g *gate) secretOf(id string) string {
	origin, err := g.vault.Origin(id)
	if err != nil {
		g.t.Fatal(err)
	}
	text, err := g.vault.Get(id, origin)
	if err != nil {
		g.t.Fatal(err)
	}
	return text.Reveal()
}

func TestKeys_AreAddedRotatedSwitchedAndRemoved(t *testing.T) {
	g, b := begin(t, document)
	k, err := b.Keys.Create(t.Context(), console.NewKey{Provider: "one", Name: "k2", Account: "acme", Secret: "sk-second-secret-abcd"})
	if err != nil {
		t.Fatal(err)
	}
	if k.Source != "vault" || k.Last4 != "abcd" || k.Account != "acme" || k.State != "ready" {
		t.Errorf("added as %+v", k)
	}
	if _, err := b.Keys.Create(t.Context(), console.NewKey{Provider: "one", Name: "k2", Secret: "sk-third"}); status(err) != 409 {
		t.Errorf("added twice: %v", err)
	}
	if k, err = b.Keys.Put(t.Context(), "one", "k2", console.KeyChange{Secret: ptr(console.Secret("sk-rotated-secret-wxyz"))}); err != nil || k.Last4 != "wxyz" {
		t.Errorf("rotated: %v %+v", err, k)
	}
	if diff := cmp.Diff([]string{"one-k2"}, g.secrets()); diff != "" {
		t.Error(diff)
	}
	if k, err = b.Keys.Put(t.Context(), "one", "k2", console.KeyChange{Enabled: ptr(false)}); err != nil || k.State != "disabled" || k.Enabled {
		t.Errorf("switched off: %v %+v", err, k)
	}
	if k, err = b.Keys.Put(t.Context(), "one", "k2", console.KeyChange{Enabled: ptr(true)}); err != nil || k.State != "ready" {
		t.Errorf("switched on: %v %+v", err, k)
	}
	if err := b.Keys.Delete(t.Context(), "one", "k2"); err != nil {
		t.Fatal(err)
	}
	if left := g.secrets(); len(left) > 0 || strings.Contains(g.overrides(), "k2") {
		t.Errorf("left behind: %v %s", left, g.overrides())
	}
}

func TestKeys_OfTheEnvironmentStayThereUntilTheyAreReplaced(t *testing.T) {
	g, b := begin(t, document)
	if err := b.Keys.Delete(t.Context(), "one", "k1"); status(err) != 409 {
		t.Errorf("removed: %v", err)
	}
	k, err := b.Keys.Put(t.Context(), "one", "k1", console.KeyChange{Secret: ptr(console.Secret("sk-into-the-vault"))})
	if err != nil || k.Source != "vault" {
		t.Errorf("%v %+v", err, k)
	}
	if got := g.secretOf("one-k1"); got != "sk-into-the-vault" {
		t.Errorf("the vault holds %q", got)
	}
	for _, call := range []error{
		second(b.Keys.Put(t.Context(), "one", "none", console.KeyChange{Enabled: ptr(true)})),
		second(b.Keys.Reset(t.Context(), "one", "none")), b.Keys.Delete(t.Context(), "none", "k1"),
		second(b.Keys.Create(t.Context(), console.NewKey{Provider: "none", Name: "k", Secret: "sk-x"})),
	} {
		if status(call) != 404 {
			t.Errorf("what is not there: %v", call)
		}
	}
}

func second[V any](_ V, err error) error { return err }

func TestKeys_ARotationThatFailsPutsTheOldSecretBack(t *testing.T) {
	g, b := begin(t, document)
	if _, err := b.Keys.Create(t.Context(), console.NewKey{Provider: "one", Name: "k2", Secret: "sk-before"}); err != nil {
		t.Fatal(err)
	}
	g.failing = errors.New("no")
	if _, err := b.Keys.Put(t.Context(), "one", "k2", console.KeyChange{Secret: ptr(console.Secret("sk-after"))}); status(err) != 409 {
		t.Errorf("%v", err)
	}
	if got := g.secretOf("one-k2"); got != "sk-before" {
		t.Errorf("the vault holds %q", got)
	}
	if _, err := b.Keys.Create(t.Context(), console.NewKey{Provider: "one", Name: "k3", Secret: "sk-third"}); status(err) != 409 {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]string{"one-k2"}, g.secrets()); diff != "" {
		t.Error(diff)
	}
}

package command

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
)

const (
	thisGateway  = "http://127.0.0.1:8080"
	otherGateway = "http://127.0.0.1:9090"
)

// keeps makes a vault on a machine of its own, with the key of a client.
func keeps(t *testing.T, token string) *tokenVault {
	t.Helper()
	ownMachine(t)
	options, err := place.VaultOptions(schema.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := place.OpenVault(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	k := host().tokenVault(t.Context())
	if err := k.Keep(t.Context(), launch.Claude, thisGateway, token); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTokenVault_AKeyThatCannotBeKeptLeavesTheOneBefore(t *testing.T) {
	for gateway, name := range map[string]string{thisGateway: "for the same gateway", otherGateway: "for another gateway"} {
		t.Run(name, func(t *testing.T) {
			k := keeps(t, "amx_first0000")
			for _, bad := range []string{"", strings.Repeat("x", 17<<10)} {
				if k.Keep(t.Context(), launch.Claude, gateway, bad) == nil {
					t.Fatalf("a key of %d bytes was kept", len(bad))
				}
				for _, open := range []*tokenVault{k, host().tokenVault(t.Context())} {
					if got := open.Token(launch.Claude, thisGateway); got != "amx_first0000" {
						t.Errorf("%d bytes: the key before is %q now", len(bad), got)
					}
				}
			}
		})
	}
}

func TestTokenVault_ANewKeyIsWrittenInOneStep(t *testing.T) {
	k := keeps(t, "amx_first0000")
	before := k.vault.Generation()
	if err := k.Keep(t.Context(), launch.Claude, thisGateway, "amx_second000"); err != nil {
		t.Fatal(err)
	}
	if n := k.vault.Generation() - before; n != 1 {
		t.Errorf("the vault was written %d times: a crash between them loses the key", n)
	}
}

func TestTokenVault_TheKeyOfAnotherGatewayTakesItsPlace(t *testing.T) {
	k := keeps(t, "amx_first0000")
	if err := k.Keep(t.Context(), launch.Claude, otherGateway, "amx_second000"); err != nil {
		t.Fatal(err)
	}
	if this, other := k.Token(launch.Claude, thisGateway), k.Token(launch.Claude, otherGateway); this != "" || other != "amx_second000" {
		t.Errorf("%q and %q", this, other)
	}
}

func TestTokenVault_ADisabledKeyIsReplacedByOneThatIsInUse(t *testing.T) {
	for _, gateway := range []string{thisGateway, otherGateway} {
		k := keeps(t, "amx_first0000")
		if _, err := k.vault.SetEnabled(t.Context(), tokenID(launch.Claude), false); err != nil {
			t.Fatal(err)
		}
		if err := k.Keep(t.Context(), launch.Claude, gateway, "amx_second000"); err != nil {
			t.Fatal(err)
		}
		if got := k.Token(launch.Claude, gateway); got != "amx_second000" {
			t.Errorf("%s: %q", gateway, got)
		}
	}
}

func TestTokenVault_EveryChangeIsRecordedBeforeItIsMade(t *testing.T) {
	k := keeps(t, "amx_first0000")
	if err := k.vault.Remove(t.Context(), tokenID(launch.Claude)); err != nil {
		t.Fatal(err)
	}
	var got []string
	var broken error
	k.record = func(_ context.Context, action, id string) error {
		got = append(got, action+" "+id)
		return broken
	}
	steps := []struct{ gateway, token string }{{thisGateway, "amx_first0000"}, {thisGateway, "amx_second000"}, {otherGateway, "amx_third0000"}}
	for _, s := range steps {
		before := k.vault.Generation()
		broken = errors.New("the audit log cannot be written")
		if err := k.Keep(t.Context(), launch.Claude, s.gateway, s.token); !errors.Is(err, broken) || k.vault.Generation() != before {
			t.Errorf("without a record: %v, and the vault was written %d times", err, k.vault.Generation()-before)
		}
		broken = nil
		if err := k.Keep(t.Context(), launch.Claude, s.gateway, s.token); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"key.create client-claude", "key.create client-claude", "key.update client-claude", "key.update client-claude", "key.update client-claude", "key.update client-claude"}
	if !slices.Equal(got, want) {
		t.Errorf("recorded: %q", got)
	}
}

package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// FuzzOpen reads any bytes as a keystore whose key is known: no panic, and
// nothing is accepted but what was written with the key.
func FuzzOpen(f *testing.F) {
	v, opts := small(f)
	good, err := os.ReadFile(opts.Path)
	if err != nil {
		f.Fatal(err)
	}
	known := v.state.Load().keys
	f.Add(good)
	f.Add(good[:200])
	f.Add(bytes.Replace(good, []byte(`"version"`), []byte(`"Version"`), 1))
	f.Add([]byte(`{"format":"aimux keystore","version":1,"records":[{}],"deks":[{"active":true}]}`))
	f.Add([]byte(`{"format":"aimux keystore","version":1e99}`))
	f.Add(bytes.Repeat([]byte(`{"kdf":`), 1000))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := readAs(v, data, known)
		if err == nil && !bytes.Equal(data, good) {
			t.Errorf("a file was accepted that was never written")
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%v is not an error of this package", err)
		}
	})
}

// FuzzParcel reads any text as the inside of an export.
func FuzzParcel(f *testing.F) {
	f.Add([]byte(`{"format":"aimux keys","version":1,"keys":[{"id":"a","origin":"https://api.z.ai:443","secret":"s"}]}`))
	f.Add([]byte(`{"format":"aimux keys","version":1,"keys":null}`))
	v := mustInit(f, place(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseParcel(data)
		if err != nil {
			return
		}
		s := v.state.Load()
		e := &edit{from: s, doc: s.doc.clone(), keys: s.keys, now: epoch}
		e.aead = s.deks[e.active().ID]
		if _, err := e.unpack(p, Replace); err == nil {
			if err := e.doc.check(); err != nil {
				t.Errorf("an export made a keystore that cannot be read: %v", err)
			}
		}
	})
}

func FuzzParseOrigin(f *testing.F) {
	for _, s := range []string{"https://api.z.ai/v1", "http://[::1]:80", "https://a@b", "https://a:b", "http://%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOrigin(s)
		if err != nil {
			return
		}
		again, err := ParseOrigin(string(o))
		if err != nil || again != o || strings.ContainsAny(string(o), "@/\\?# ") && strings.Count(string(o), "/") != 2 {
			t.Errorf("ParseOrigin(%q) = %q, and then %q, %v", s, o, again, err)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add([]byte("# comment\n" + strings.Repeat("0a", 32) + "\n"))
	f.Add([]byte("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="))
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := parseKey(text); err == nil && len(key) != keyBytes {
			t.Errorf("a key of %d bytes", len(key))
		}
	})
}

// TestVault_BehavesLikeAMap makes random changes through two open keystores
// and compares with a map, also after opening it anew.
func TestVault_BehavesLikeAMap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		opts := place(t)
		vaults := []*Vault{mustInit(t, opts), mustOpen(t, opts)}
		want := map[string]string{}
		ids := rapid.SampledFrom([]string{"a", "b", "c", "d/e"})
		texts := rapid.StringMatching(`[!-~]{1,40}`)
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			v := rapid.SampledFrom(vaults).Draw(rt, "vault")
			id := ids.Draw(rt, "id")
			_, there := want[id]
			var err error
			switch rapid.IntRange(0, 4).Draw(rt, "do") {
			case 0, 1:
				text := texts.Draw(rt, "secret")
				if there {
					_, err = v.Rotate(context.Background(), id, secret.New(text))
				} else {
					_, err = v.Add(context.Background(), id, zai, "", secret.New(text))
				}
				want[id] = text
			case 2:
				if err = v.Remove(context.Background(), id); !there && errors.Is(err, ErrNotFound) {
					err = nil
				}
				delete(want, id)
			case 3:
				err = v.RotateDEK(context.Background())
			case 4:
				err = v.RotateKEK(context.Background(), opts.Key)
			}
			if err != nil {
				rt.Fatal(err)
			}
			vaults[0] = mustOpen(t, opts)
		}
		for i, v := range append(vaults, mustOpen(t, opts)) {
			if _, err := v.Reload(context.Background()); err != nil {
				rt.Fatal(err)
			}
			if err := holds(v, want); err != nil {
				rt.Fatalf("vault %d: %v", i, err)
			}
		}
	})
}

func holds(v *Vault, want map[string]string) error {
	list, err := v.List()
	if err != nil {
		return err
	}
	var ids []string
	for _, info := range list {
		ids = append(ids, info.ID)
		text, err := v.Get(info.ID, zai)
		if err != nil || text.Reveal() != want[info.ID] {
			return fmt.Errorf("%s holds %q, want %q: %w", info.ID, text.Reveal(), want[info.ID], err)
		}
	}
	if !slices.Equal(ids, slices.Sorted(maps.Keys(want))) {
		return fmt.Errorf("keys %q, want %q", ids, want)
	}
	return nil
}

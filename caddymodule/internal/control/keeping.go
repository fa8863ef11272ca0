package control

import (
	"context"
	"fmt"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
)

// keeping stores secrets, and takes them back if what they are for fails.
type keeping struct {
	plane *Plane
	vault *vault.Vault // what was stored in; the first key makes it
	ids   []string     // that were added
	old   map[string]secret.Text
}

func (s *keeping) open(ctx context.Context) (err error) {
	if err := s.plane.changeable(); err != nil {
		return err // before a vault is made for nothing
	}
	if s.vault == nil {
		s.vault, err = s.plane.vault(ctx)
	}
	return err
}

// add stores a secret under a new id.
func (s *keeping) add(ctx context.Context, providerName, name, address string, text console.Secret) (id string, err error) {
	if err := s.open(ctx); err != nil {
		return "", err
	}
	origin, err := vault.ParseOrigin(address)
	if err != nil {
		return "", told(err)
	}
	id = freeID(s.vault, providerName+"-"+name)
	if _, err := s.vault.Add(ctx, id, origin, providerName+"/"+name, secret.New(strings.TrimSpace(text.Reveal()))); err != nil {
		return "", told(err)
	}
	s.ids = append(s.ids, id)
	return id, nil
}

// rotate replaces a secret, and remembers the one before.
func (s *keeping) rotate(ctx context.Context, id string, text console.Secret) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	origin, err := s.vault.Origin(id)
	if err != nil {
		return told(err)
	}
	if old, err := s.vault.Get(id, origin); err == nil { // a disabled one cannot be read, and is not used
		s.old = map[string]secret.Text{id: old}
	}
	_, err = s.vault.Rotate(ctx, id, secret.New(strings.TrimSpace(text.Reveal())))
	return told(err)
}

// takeBack leaves the vault as it was.
func (s *keeping) takeBack(ctx context.Context) {
	s.plane.removeSecrets(ctx, s.vault, s.ids)
	for id, old := range s.old {
		if _, err := s.vault.Rotate(ctx, id, old); err != nil {
			s.plane.Logger.Error("a secret cannot be put back into the vault", "id", id, "error", err.Error())
		}
	}
}

// freeID is id, or id with a number after it if it is taken.
func freeID(v *vault.Vault, id string) string {
	for n, try := 2, id; ; n++ {
		if _, err := v.Info(try); err != nil {
			return try
		}
		try = fmt.Sprintf("%s-%d", id, n)
	}
}

// dropSecrets removes what nothing refers to any more.
func (p *Plane) dropSecrets(ctx context.Context, ids []string) {
	p.removeSecrets(ctx, p.Gateway.View().Vault, ids)
}

func (p *Plane) removeSecrets(ctx context.Context, v *vault.Vault, ids []string) {
	for _, id := range ids {
		if v == nil {
			return
		}
		if err := v.Remove(ctx, id); err != nil {
			p.Logger.Warn("a secret that is no longer used stays in the vault", "id", id, "error", err.Error())
		}
	}
}

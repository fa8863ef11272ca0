package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/client"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
)

// services are what a runtime uses beside the pipeline. They live in learned,
// so that reloads do not disturb them.
type services struct {
	vault    *vault.Vault     // nil: there is none
	store    *client.Store    // nil: there is none
	kept     bool             // the store's keys are asked for
	clients  *client.Registry // nil: everybody may use the gateway
	accounts *client.Accounts
	recalled *atomic.Bool   // accounts were compared with the ledger
	ledger   *usage.Ledger  // nil: switched off
	capture  *usage.Capture // nil: no text is kept
	windows  *telemetry.Windows
	watch    *alert.Watch
	auditor  *auditor
}

// services opens what the configuration needs.
func (b *builder) services() error {
	s := &b.runtime.services
	s.accounts = share(b.runtime, "accounts", func() *client.Accounts { return new(client.Accounts) })
	s.recalled = share(b.runtime, "recalled", func() *atomic.Bool { return new(atomic.Bool) })
	s.windows = share(b.runtime, "windows", func() *telemetry.Windows { return telemetry.NewWindows(nil) })
	s.watch = share(b.runtime, "watch", func() *alert.Watch { return new(alert.Watch) })
	if err := b.openVault(); err != nil {
		return err
	}
	dir := place.Audit(b.config)
	s.auditor = share(b.runtime, fmt.Sprintf("audit|%s|%v", dir, s.vault != nil), func() *auditor { return newAuditor(dir, s.vault) })
	if err := b.openClients(); err != nil {
		return err
	}
	if err := b.openLedger(); err != nil {
		return err
	}
	return b.openCapture()
}

// openVault opens the vault if there is one. A configuration that refers to it
// cannot do without; client keys of aimux's own cannot be checked without.
func (b *builder) openVault() error {
	path := place.Vault(b.config)
	if !place.Exists(path) && !b.config.Refers("vault") {
		return nil
	}
	options, err := place.VaultOptions(b.config)
	if err != nil {
		return err
	}
	b.runtime.services.vault, err = shareOr(b.runtime, "vault|"+path+"|"+b.config.Vault.Key, func() (*vault.Vault, error) {
		return openNewest(context.Background(), options, place.Audit(b.config), b.logger)
	})
	switch {
	case errors.Is(err, vault.ErrMissing):
		return fmt.Errorf("a secret is kept in the vault, but there is no vault at %s; make it with `aimux keys add`, or restore it from a backup", path)
	case err != nil && (b.config.Refers("vault") || place.Exists(place.Clients())):
		return fmt.Errorf("opening the vault: %w", err)
	case err != nil:
		b.logger.Warn("the vault cannot be opened; nothing needs it at present", "error", err.Error())
		return nil
	}
	_, err = b.runtime.services.vault.Reload(context.Background())
	return err
}

// openLedger starts the ledger, which touches its file a little later.
func (b *builder) openLedger() error {
	u := b.config.Usage
	if !u.Enabled {
		return nil
	}
	path := place.Ledger(b.config)
	var err error
	b.runtime.services.ledger, err = shareOr(b.runtime, "ledger|"+path, func() (*usage.Ledger, error) {
		return usage.Start(usage.Options{
			Path: path, Retention: daysOf(u.RetentionDays), MaxSize: int64(u.MaxSize), Logger: b.logs.part(logLedger),
		})
	})
	return err
}

// openCapture starts to keep texts, for an operator who asked for it.
func (b *builder) openCapture() error {
	u := b.config.Usage
	if !u.Capture {
		return nil
	}
	path := place.File("captured.db")
	if u.File != "" {
		path = filepath.Join(filepath.Dir(u.File), "captured.db")
	}
	var err error
	b.runtime.services.capture, err = shareOr(b.runtime, "capture|"+path, func() (*usage.Capture, error) {
		return usage.StartCapture(usage.CaptureOptions{
			Path: path, MaxItem: int(u.CaptureBytes), Retention: daysOf(u.CaptureDays), Logger: b.logger,
		})
	})
	b.logger.Warn("texts of requests and answers are kept (usage.capture)", "path", path, "days", u.CaptureDays)
	return err
}

func daysOf(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// begin tells what outlives configurations that this one is in force.
func (s *services) begin(u schema.Usage) {
	if s.kept {
		s.store.Guard()
	}
	if s.ledger != nil {
		s.ledger.Configure(daysOf(u.RetentionDays), int64(u.MaxSize))
	}
	if s.capture != nil {
		s.capture.Configure(int(u.CaptureBytes), daysOf(u.CaptureDays))
	}
}

// captures is what the gateway hands texts to; nil: it need not.
func (s *services) captures() gateway.Capture {
	if s.capture == nil {
		return nil
	}
	return s.capture
}

// fetch reads a secret that is needed at once and is no provider's.
func (s *services) fetch(ref schema.SecretRef) (string, error) {
	if ref.Scheme != "vault" {
		return ref.Resolve(os.LookupEnv)
	}
	info, err := s.vault.Info(ref.Name)
	if err != nil {
		return "", err
	}
	text, err := s.vault.Get(ref.Name, info.Origin)
	return text.Reveal(), err
}

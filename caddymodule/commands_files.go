package caddymodule

import (
	"context"
	"errors"

	"github.com/aimux/aimux/caddymodule/command"
	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
)

// openFiles finds the vault and the audit log of a configuration.
func openFiles(ctx context.Context, at *command.Installation) (*cli.Files, error) {
	result, err := at.Load()
	if err != nil {
		return nil, err
	}
	options, err := place.VaultOptions(result.Config)
	if err != nil {
		return nil, err
	}
	for _, path := range []string{options.Path, options.Key.KeyFile} {
		if path != "" && path != "-" {
			if err := place.MakeParent(path); err != nil {
				return nil, err
			}
		}
	}
	log, err := logOf(ctx, result.Config, options)
	if err != nil {
		return nil, err
	}
	return &cli.Files{
		Vault: options, KeySource: place.KeySource, AuditDir: log.dir, AuditKeys: log.keys(), Record: log.local, Close: log.close,
	}, nil
}

// logOf is the audit log of a configuration, with the key of its vault if that
// can be opened.
func logOf(ctx context.Context, c *schema.Config, options vault.Options) (commandLog, error) {
	var v *vault.Vault
	if place.Exists(options.Path) {
		var err error
		if v, err = vault.Open(ctx, options); err != nil && !errors.Is(err, vault.ErrNoKey) && !errors.Is(err, vault.ErrWrongKey) {
			return commandLog{}, err
		}
	}
	return commandLog{newAuditor(place.Audit(c), v)}, nil
}

// commandLog is the audit log as commands use it that work on files.
type commandLog struct{ *auditor }

// local writes down what somebody on this machine is about to do.
func (l commandLog) local(ctx context.Context, action, target string) error {
	log, err := l.open(ctx)
	if err != nil {
		return err
	}
	_, err = log.Append(ctx, audit.Event{Actor: localUser.User, Action: action, Target: target, Outcome: "begun"})
	return err
}

// setPassword gives a user of the console a password.
func setPassword(ctx context.Context, user, password string) error {
	users, err := authority(false)
	if err != nil {
		return err
	}
	_, err = users.Reset(ctx, user, password)
	return err
}

package cli

import (
	"context"
	"crypto/ed25519"
	"os"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/spf13/cobra"
)

// Host is the program the commands are part of. Open, Files, SetPassword and
// Diagnose are required.
type Host struct {
	// Open returns the console's API over the files, in this process. config
	// names the configuration; empty: it is looked for where the server does.
	Open func(ctx context.Context, config string) (Way, error)
	// Files opens what is kept beside the configuration.
	Files func(ctx context.Context, config string) (*Files, error)
	// SetPassword gives a user of the console a new password, also while a
	// server runs. A user that does not exist becomes an administrator.
	SetPassword func(ctx context.Context, user, password string) error
	// Diagnose examines this machine's installation.
	Diagnose func(ctx context.Context, d Diagnosis) []Finding

	// Ask shows a prompt and reads a line that is not shown. Default: on the
	// terminal; without one the error is ErrNoTerminal.
	Ask func(prompt string) (string, error)
	// Confirm asks a question that takes yes or no. Without a terminal the
	// answer is yes: scripts know what they do. Default: on the terminal.
	Confirm func(question string) (bool, error)
	// Getenv reads the environment. Default: os.Getenv.
	Getenv func(string) string
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Files are what is kept beside a configuration: they can be worked on whether
// or not a server runs.
type Files struct {
	// Vault says where the keystore is and what opens it.
	Vault vault.Options
	// KeySource reads a source of the keystore's key as vault.key of the
	// configuration spells it: "passphrase:PATH".
	KeySource func(text string) (vault.KeySource, error)
	// AuditDir is where the audit log is, AuditKeys those that sign it.
	AuditDir  string
	AuditKeys []ed25519.PublicKey
	// Record writes into the audit log what is about to be done. After an error
	// it must not be done.
	Record func(ctx context.Context, action, target string) error
	// Close ends the audit log.
	Close func() error
}

// Commands returns what makes the commands: each function fills one that is
// empty.
func (h *Host) Commands() []func(*cobra.Command) {
	h.defaults()
	return []func(*cobra.Command){
		h.status, h.providers, h.models, h.keys, h.clients, h.vault, h.usage, h.requests, h.top, h.audit, h.alerts, h.admin, h.doctor, moved,
	}
}

func (h *Host) defaults() {
	if h.Ask == nil {
		h.Ask = askTerminal
	}
	if h.Confirm == nil {
		h.Confirm = confirmOnTerminal
	}
	if h.Getenv == nil {
		h.Getenv = os.Getenv
	}
	if h.Now == nil {
		h.Now = time.Now
	}
}

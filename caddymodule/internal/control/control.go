// Package control is what operators do to a gateway: look at it and change it.
// It implements the console's Backend, which the web page, the REST API and the
// commands all use.
//
// What is looked at comes from a View of the configuration in force. What is
// changed goes three ways: secrets into the vault, clients into their store, and
// everything else into overrides.toon, which lies over the user's own file and
// is put in force at once. A change is checked as a whole before anything is
// written, and taken back if it cannot be put in force.
//
// The package knows nothing of Caddy and holds no state of its own but a lock:
// a command without a running server uses it on the same files. A process has
// several planes, one for each console; a lock beside overrides.toon makes their
// changes and those of other processes follow each other.
package control

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/client"
	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/schema"
)

// Gateway is the gateway that is controlled.
type Gateway interface {
	// View returns the configuration in force and what serves it.
	View() View
	// Apply reads the configuration's files again and puts them in force, or
	// changes nothing.
	Apply() error
	// Check reads the configuration as it would be with other overrides.
	Check(overrides []byte) (*schema.Result, error)
}

// View is one configuration at work. It must not be changed.
type View struct {
	Result    *schema.Result
	Source    string // the user's file; empty: there is none
	Fixed     string // why overrides cannot change it; empty: they can
	Simulated bool
	Providers []*gateway.Provider // in the order of their names
	Kinds     map[string]string   // by provider
	Router    *route.Router
	Recent    func(n int) []gateway.Record // newest first
	Streams   int64                        // open now
	Load      *Load                        // nil: nobody keeps it
	Address   string                       // where clients reach the gateway, as URL; empty: not known

	Vault    *vault.Vault     // nil: there is none
	Store    *client.Store    // nil: there is none
	Registry *client.Registry // nil: everybody may use the gateway
	Ledger   *usage.Ledger    // nil: switched off
	Capture  *usage.Capture   // nil: no text is kept
	Windows  *telemetry.Windows
	Watch    *alert.Watch
}

// Options are what a Plane is made of. All are required but AuditSeen, Send and
// Logger.
type Options struct {
	Gateway Gateway
	// State says how things stand.
	State telemetry.Source
	// Audit opens the audit log, at the first change.
	Audit func(context.Context) (*audit.Log, error)
	// AuditDir is where the log is, to be read; AuditKeys are those that sign it.
	AuditDir  func() string
	AuditKeys func() []ed25519.PublicKey
	// AuditSeen is what is remembered of the log's end. Default: nothing.
	AuditSeen func() audit.Head
	// AuditTrouble is told after every record whether it could be written.
	AuditTrouble func(error)
	// Overrides is the path of overrides.toon. Beside it lie its former versions.
	Overrides string
	// OpenVault opens the vault, and makes it if there is none.
	OpenVault func(context.Context) (*vault.Vault, error)
	// OpenStore opens the clients' store.
	OpenStore func(*vault.Vault) (*client.Store, error)
	// Version is aimux's, Started when the process began.
	Version string
	Started time.Time
	// Send asks providers, for tests of keys. Default: http.DefaultTransport.
	Send http.RoundTripper
	// Logger hears of trouble that no caller is told of. Default: nobody.
	Logger *slog.Logger
}

// Plane is the control plane of one process.
type Plane struct {
	Options
	changing sync.Mutex // one change at a time; other planes are kept apart by the lock of alone
}

// New returns a control plane.
func New(o Options) *Plane {
	if o.Send == nil {
		o.Send = http.DefaultTransport
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Plane{Options: o}
}

// Backend returns the plane as the console uses it.
func (p *Plane) Backend() console.Backend {
	return console.Backend{
		Meta: meta{p}, Metrics: figures{p}, Providers: providers{p}, Keys: keys{p}, Models: models{p},
		Requests: requests{p}, Usage: totals{p}, Clients: clients{p}, Alerts: alerts{p}, Audit: auditing{p}, Config: configuration{p},
	}
}

// vault opens the vault, or makes it.
func (p *Plane) vault(ctx context.Context) (*vault.Vault, error) {
	if v := p.Gateway.View().Vault; v != nil {
		return v, nil
	}
	v, err := p.OpenVault(ctx)
	if err != nil {
		return nil, told(err)
	}
	return v, nil
}

// told lets the caller read an error that says what, where and how to mend it:
// those of the vault, the clients' store and the configuration do, and hold no
// secret.
func told(err error) error {
	var problems *schema.Problems
	var sealed *vault.Error
	var known *console.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.As(err, &problems):
		return console.Invalid(problemsOf(*problems)...)
	case errors.As(err, &sealed) && errors.Is(err, vault.ErrNotFound):
		return console.NotFound(sealed.Error())
	case errors.As(err, &sealed):
		return console.Conflict(sealed.Error())
	case errors.Is(err, client.ErrNoClient):
		return console.NotFound(err.Error())
	}
	return err
}

func problemsOf(list schema.Problems) []console.Problem {
	out := make([]console.Problem, len(list))
	for i, x := range list {
		out[i] = console.Problem{Pointer: x.Pointer, Line: x.Line, Column: x.Column, Message: x.Msg, Hint: x.Hint}
	}
	return out
}

func float(v float64) *float64 { return &v }

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func ensureDir(path string) error { return os.MkdirAll(filepath.Dir(path), 0o700) }

package caddymodule

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/client"
	"github.com/aimux/aimux/caddymodule/internal/control"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// underWay is how many exchanges were under way in the last day. It outlives
// configurations, as the exchanges do.
var underWay control.Load

// address is where clients on this machine reach the gateway.
type address struct{ url atomic.Pointer[string] }

func (a *address) get() string {
	if url := a.url.Load(); url != nil {
		return *url
	}
	return ""
}

// learn takes the first plain listener of the server that a handler belongs
// to. Where TLS is spoken the name is the certificate's, which is not known
// here.
func (a *address) learn(ctx caddy.Context) {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || len(server.TLSConnPolicies) > 0 {
		return
	}
	for _, listen := range server.Listen {
		l, err := caddy.ParseNetworkAddress(listen)
		if err != nil || l.IsUnixNetwork() || l.IsFdNetwork() || l.StartPort == 0 {
			continue
		}
		if ip, err := netip.ParseAddr(strings.Trim(l.Host, "[]")); l.Host == "" || err == nil && ip.IsUnspecified() {
			l.Host = "localhost"
		}
		url := "http://" + l.JoinHostPort(0)
		a.url.CompareAndSwap(nil, &url)
		return
	}
}

// processStart is when this process began to be aimux.
var processStart = time.Now()

// plane returns the control plane of the app: what its console, its admin
// endpoint and its commands look at and change.
func (a *App) plane() *control.Plane {
	return control.New(control.Options{
		Gateway: steered{a}, State: a, Overrides: a.overrides(), Version: Version, Started: processStart, Logger: a.logger,
		Audit:    func(ctx context.Context) (*audit.Log, error) { return a.auditor().open(ctx) },
		AuditDir: func() string { return a.auditor().dir }, AuditKeys: func() []ed25519.PublicKey { return a.auditor().keys() },
		AuditSeen:    func() audit.Head { return a.auditor().seenHead() },
		AuditTrouble: func(err error) { a.auditor().note(err) },
		OpenVault: func(ctx context.Context) (*vault.Vault, error) {
			options, err := place.VaultOptions(a.live.now().config)
			if err != nil {
				return nil, err
			}
			return place.OpenVault(ctx, options)
		},
		OpenStore: func(v *vault.Vault) (*client.Store, error) {
			pepper, err := v.Derive(pepperLabel)
			if err != nil {
				return nil, err
			}
			return client.OpenStore(place.Clients(), pepper, nil)
		},
	})
}

// auditor is the one of the configuration in force: the first key that is
// stored makes the vault, and with it another auditor, which can sign.
func (a *App) auditor() *auditor { return a.live.now().services.auditor }

// steered is an app as the control plane sees it.
type steered struct{ app *App }

// View returns the configuration in force.
func (s steered) View() control.View {
	rt := s.app.live.now()
	return control.View{
		Result: rt.described(), Source: rt.source, Fixed: s.app.fixed(), Simulated: rt.simulated(), Providers: rt.providers, Kinds: rt.kinds, Router: rt.router,
		Recent: func(n int) []gateway.Record { return rt.recent.last(n) }, Streams: rt.gateway.Traffic.Streams(),
		Load: &underWay, Address: s.app.address.get(),
		Vault: rt.services.vault, Store: rt.services.store, Registry: rt.services.clients, Ledger: rt.services.ledger, Capture: rt.services.capture,
		Windows: rt.services.windows, Watch: rt.services.watch,
	}
}

// Apply puts the files in force.
func (s steered) Apply() error { return s.app.apply() }

// Check reads the configuration as it would be.
func (s steered) Check(overrides []byte) (*schema.Result, error) {
	return schema.Load(schema.Options{Path: s.app.Source, OverridesData: overrides, Environ: os.Environ(), Known: provider.Known()})
}

// describe reads the configuration's files once more, for where each value
// stands: what Caddy hands over is one document. If they say something else by
// now, or do not hold, the document it is: it is what is in force.
func (a *App) describe(rt *runtime) func() *schema.Result {
	return sync.OnceValue(func() *schema.Result {
		if a.fixed() != "" {
			return rt.result
		}
		r, err := schema.Load(schema.Options{Path: a.Source, Overrides: a.overrides(), Environ: os.Environ(), Known: provider.Known()})
		if err != nil || !bytes.Equal(r.Raw, rt.result.Raw) {
			return rt.result
		}
		return r
	})
}

// auditor opens the audit log with the first thing that has to be in it.
type auditor struct {
	dir  string
	key  ed25519.PrivateKey // nil: checkpoints are not signed
	mu   sync.Mutex
	log  *audit.Log
	last error

	marked    vault.Mark             // of the vault, as the log has it
	forgetful atomic.Pointer[string] // why the log's head cannot be remembered; nil: it can
}

func newAuditor(dir string, v *vault.Vault) *auditor {
	a := &auditor{dir: dir}
	if v == nil {
		return a
	}
	if seed, err := v.Derive("aimux audit log signing key"); err == nil {
		a.key = ed25519.NewKeyFromSeed(seed)
	}
	return a
}

func (a *auditor) open(ctx context.Context) (*audit.Log, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.log != nil {
		return a.log, nil
	}
	a.log, a.last = a.openHeld(ctx)
	return a.log, a.last
}

func (a *auditor) keys() []ed25519.PublicKey {
	if a.key == nil {
		return nil
	}
	return []ed25519.PublicKey{a.key.Public().(ed25519.PublicKey)}
}

// note remembers whether the last record could be written.
func (a *auditor) note(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = err
}

func (a *auditor) state() telemetry.StoreState {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := telemetry.StoreState{Name: "audit"}
	if a.last != nil {
		s.Trouble = a.last.Error()
	} else if text := a.forgetful.Load(); text != nil {
		s.Trouble = *text
	}
	return s
}

// record writes down what the server itself did.
func (a *auditor) record(ctx context.Context, action, target string) error {
	log, err := a.open(ctx)
	if err != nil {
		return err
	}
	_, err = log.Append(ctx, audit.Event{Actor: "server", Action: action, Target: target})
	a.note(err)
	return err
}

// close ends the log with a checkpoint.
func (a *auditor) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.log == nil {
		return nil
	}
	return a.log.Close()
}

// Package consoletest is a gateway that exists in memory only, for the tests of
// the console and of its page. A Fake keeps what it is given, moves its figures
// with the clock, audits into a chain of its own and refuses what the real
// gateway refuses: stale versions, unknown names, invalid configurations.
//
// It costs nothing to make and is safe for concurrent use. Nothing in the
// product imports it.
package consoletest

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

// Fake is the gateway. Make one with New.
type Fake struct {
	now func() time.Time

	mu        sync.Mutex
	version   int // of everything that a user may change
	changes   int // applied so far, by whatever name
	providers []console.Provider
	keys      []console.Key
	secrets   map[string]string
	rows      []console.ModelRow
	requests  []console.RequestDetail
	clients   []console.Client
	alerts    []console.Alert
	overrides []console.ConfigSet
	undo      []undo
	records   []console.AuditRecord

	// AuditErr, if set, is what the audit log says to every entry.
	AuditErr error
	// ReadErr, if set, is what every reading says.
	ReadErr error
}

// undo is what a change to the configuration replaced.
type undo struct {
	console.ConfigUndo
	before []console.ConfigSet
}

// New returns a gateway with a handful of everything. The clock may be nil.
func New(now func() time.Time) *Fake {
	if now == nil {
		now = time.Now
	}
	f := &Fake{now: now, version: 1, secrets: map[string]string{}}
	f.fill()
	return f
}

// Backend returns the views of f that a console needs.
func (f *Fake) Backend() console.Backend {
	return console.Backend{
		Meta: meta{f}, Metrics: metrics{f}, Providers: providers{f}, Keys: keys{f},
		Models: models{f}, Requests: requests{f}, Usage: usage{f}, Clients: clients{f},
		Alerts: alerts{f}, Audit: audit{f}, Config: config{f},
	}
}

// Changes returns how many changes were applied.
func (f *Fake) Changes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changes
}

// Secret returns what the vault holds for a key.
func (f *Fake) Secret(provider, name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.secrets[provider+"/"+name]
}

// Records returns the audit log, oldest first.
func (f *Fake) Records() []console.AuditRecord {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.records)
}

// AddProvider adds a provider as it is.
func (f *Fake) AddProvider(p console.Provider) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.providers = append(f.providers, p)
}

// AddRequest adds a request as it is.
func (f *Fake) AddRequest(r console.RequestDetail) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r)
}

// AddAlert adds an alert as it is.
func (f *Fake) AddAlert(a console.Alert) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alerts = append(f.alerts, a)
}

func (f *Fake) etag() string { return "v" + strconv.Itoa(f.version) }

// read runs a reading under the lock.
func (f *Fake) read(do func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ReadErr != nil {
		return f.ReadErr
	}
	do()
	return nil
}

// change runs a change under the lock if the version matches; an empty match is
// any version.
func (f *Fake) change(match string, do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if match != "" && match != "*" && match != f.etag() {
		return console.Stale()
	}
	if err := do(); err != nil {
		return err
	}
	f.version++
	f.changes++
	return nil
}

func (f *Fake) provider(id string) (*console.Provider, error) {
	for i := range f.providers {
		if f.providers[i].ID == id {
			return &f.providers[i], nil
		}
	}
	return nil, console.NotFound("there is no such provider")
}

func (f *Fake) key(provider, name string) (int, error) {
	i := slices.IndexFunc(f.keys, func(k console.Key) bool { return k.Provider == provider && k.Name == name })
	if i < 0 {
		return 0, console.NotFound("there is no such key")
	}
	return i, nil
}

func (f *Fake) client(id string) (int, error) {
	i := slices.IndexFunc(f.clients, func(c console.Client) bool { return c.ID == id })
	if i < 0 {
		return 0, console.NotFound("there is no such client")
	}
	return i, nil
}

func (f *Fake) shown(p console.Provider) console.Provider {
	p.Keys = slices.DeleteFunc(slices.Clone(f.keys), func(k console.Key) bool { return k.Provider != p.ID })
	p.Enabled = p.Status != "disabled"
	return p
}

// wave is a number that moves with the clock, between low and high.
func wave(t time.Time, low, high float64) float64 {
	s := t.Unix() % 120
	return low + (high-low)*float64(min(s, 120-s))/60
}

func ptr[T any](v T) *T { return &v }

func id(prefix string, n int) string { return fmt.Sprintf("%s-%04d", prefix, n) }

package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/traces"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// learned holds what was learned about keys, accounts and targets, and the
// connections to providers, over configurations: by what they are (origin and
// key), never by their place in a file. An entry lives as long as a runtime
// that uses it.
var learned = caddy.NewUsagePool()

// ending is held while a runtime gives back what it took from learned, so that of
// several that end at the same time one is the last, and saves the archive.
var ending sync.Mutex

// runtime is one configuration at work: the gateway and its references into
// learned. It ends when the app, the handlers and the last exchange have let
// go of it.
type runtime struct {
	gateway   *gateway.Gateway
	router    *route.Router
	providers []*gateway.Provider // in the order of their names
	recent    *ring
	config    *schema.Config
	result    *schema.Result
	described func() *schema.Result // with the place of each value
	source    string
	implicit  bool
	guarded   bool // there are client keys

	archive    *archive
	services   services
	names      telemetry.Names
	tracer     *traces.Tracer // nil: nothing is traced
	hook       *alert.Webhook // nil: alerts are posted nowhere
	receiver   alert.WebhookOptions
	deliveries []func() telemetry.DeliveryState

	refs  atomic.Int64
	end   sync.Once
	keys  []string // in learned
	kinds map[string]string
}

// newRuntime builds what result describes. Its caller holds the first
// reference.
func newRuntime(result *schema.Result, logs loggers, to *consoles) (*runtime, error) {
	rt := &runtime{config: result.Config, result: result, implicit: result.Config.Implicit, kinds: map[string]string{}}
	rt.refs.Store(1)
	rt.archive = share(rt, "archive", func() *archive { return openArchive(place.State(), logs.whole) })
	rt.recent = share(rt, "recent", func() *ring { return newRing(result.Config.Log.Decisions) })
	b := builder{runtime: rt, config: result.Config, logger: logs.whole, logs: logs, consoles: to}
	if err := b.build(); err != nil {
		rt.release()
		return nil, err
	}
	return rt, nil
}

// acquire takes a reference, unless the runtime has ended.
func (rt *runtime) acquire() bool {
	for {
		n := rt.refs.Load()
		if n <= 0 {
			return false
		}
		if rt.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives up a reference. With the last one the runtime returns what it
// took from learned.
func (rt *runtime) release() {
	if rt.refs.Add(-1) > 0 {
		return
	}
	rt.end.Do(func() {
		if rt.tracer != nil {
			rt.tracer.Close()
		}
		ending.Lock()
		defer ending.Unlock()
		if n, ok := learned.References("archive"); ok && n == 1 {
			rt.archive.lastSave()
		}
		if rt.recent != nil {
			rt.recent.detach()
		}
		letGo(rt.keys, caddy.Log().Named("aimux"))
	})
}

// letGo gives up a reference to each key in learned, and says what was lost
// with those nobody uses any more.
func letGo(keys []string, logger *zap.Logger) {
	for _, key := range keys {
		if _, err := learned.Delete(key); err != nil {
			logger.Error("not everything could be written at the end", zap.Error(err))
		}
	}
}

// simulated reports whether nothing but the simulator answers.
func (rt *runtime) simulated() bool {
	return rt.implicit && len(rt.providers) == 1 && rt.kinds[rt.providers[0].Name] == schema.SimulatorKind
}

func (rt *runtime) providerNames() []string {
	names := make([]string, len(rt.providers))
	for i, p := range rt.providers {
		names[i] = p.Name
	}
	return names
}

// share returns the value of that key in learned, made if it is new, and notes
// that the runtime uses it.
func share[T any](rt *runtime, key string, fresh func() T) T {
	value, _ := shareOr(rt, key, func() (T, error) { return fresh(), nil })
	return value
}

// shareOr is share for what may fail to be made.
func shareOr[T any](rt *runtime, key string, fresh func() (T, error)) (T, error) {
	value, _, err := learned.LoadOrNew(key, func() (caddy.Destructor, error) {
		made, err := fresh()
		if err == nil && rt.archive != nil {
			rt.archive.restore(key, made)
		}
		return shared[T]{made}, err
	})
	if err != nil {
		var none T
		return none, err
	}
	rt.keys = append(rt.keys, key)
	return value.(shared[T]).value, nil
}

// shared is an entry of learned.
type shared[T any] struct{ value T }

// Destruct ends what needs an end. Exchanges that still use the value are not
// harmed: closing a client closes idle connections only.
func (s shared[T]) Destruct() error {
	switch v := any(s.value).(type) {
	case *upstream.Client:
		v.Close()
	case *usage.Ledger:
		ctx, cancel := context.WithTimeout(context.Background(), ledgerEnd)
		defer cancel()
		return v.Close(ctx)
	case *usage.Capture:
		ctx, cancel := context.WithTimeout(context.Background(), ledgerEnd)
		defer cancel()
		return v.Close(ctx)
	case *auditor:
		return v.close()
	case *archive:
		v.end()
	case *alert.Webhook:
		v.Close()
	}
	return nil
}

// ledgerEnd is how long the ledger may take to write what it still holds.
const ledgerEnd = 3 * time.Second

func (s shared[T]) held() any { return s.value }

func (rt *runtime) keyState(origin, secret string) *keypool.State {
	return share(rt, "key|"+origin+"|"+fingerprint(secret), keypool.NewState)
}

func (rt *runtime) accountState(origin, account string) *keypool.State {
	return share(rt, "account|"+origin+"|"+account, keypool.NewState)
}

func (rt *runtime) targetState(origin, model string) *health.State {
	return share(rt, "target|"+origin+"|"+model, func() *health.State {
		return health.New(health.Options{OnChange: func(phase health.Phase) {
			// The state outlives its first configuration and that one's logger.
			caddy.Log().Named("aimux").Info("breaker", zap.String("origin", origin), zap.String("model", model), zap.Stringer("state", phase))
		}})
	})
}

// fingerprint stands for a secret in memory and in the state file. It is cut
// short, so that it identifies a key among the user's and proves nothing.
func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte("aimux key\x00" + secret))
	return hex.EncodeToString(sum[:8])
}

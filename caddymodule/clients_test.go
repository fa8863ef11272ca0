package caddymodule

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/client"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/aimux/aimux/caddymodule/place"
)

// madeStore makes a vault for the app and returns a store beside the app's, as
// another process has it.
func madeStore(t *testing.T, app *App) *client.Store {
	t.Helper()
	options, err := place.VaultOptions(app.live.now().config)
	if err != nil {
		t.Fatal(err)
	}
	v, err := place.OpenVault(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	pepper, err := v.Derive(pepperLabel)
	if err != nil {
		t.Fatal(err)
	}
	store, err := client.OpenStore(place.Clients(), pepper, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// asks reports whether the app lets in nobody without a key.
func asks(a *App) bool {
	registry := a.live.now().services.clients
	if registry == nil {
		return false
	}
	_, err := registry.Identify("", netip.Addr{})
	return err != nil
}

// serveFile provisions and begins an app whose file and overrides are in dir.
func serveFile(t *testing.T, dir, text string) *App {
	t.Helper()
	file := filepath.Join(dir, "aimux.toon")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	app := &App{Source: file, Overrides: filepath.Join(dir, "overrides.toon")}
	made, err := embed(app.Source, app.Overrides)
	if err != nil {
		t.Fatal(err)
	}
	app.Config = made.Config
	if err := app.Provision(newContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := app.begin(); err != nil {
		t.Fatal(err)
	}
	return app
}

// change writes the app's overrides and puts them in force.
func (a *App) change(t *testing.T, overrides string) {
	t.Helper()
	if err := os.WriteFile(a.Overrides, []byte(overrides), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.apply(); err != nil {
		t.Fatal(err)
	}
}

func TestClients_AfterTheLastWasRevokedNobodyGetsInWhateverIsChanged(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	dir := t.TempDir()
	const text = "version: 1\nproviders[1:]{kind}:\n  one: simulator\n"
	app := serveFile(t, dir, text)
	store := madeStore(t, app)
	app.change(t, "version: 1\n")
	if asks(app) {
		t.Fatal("a vault alone guards the gateway")
	}
	made, _, err := store.Create(client.Record{Name: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	app.change(t, "version: 1\n")
	if err := store.Revoke(made.ID); err != nil {
		t.Fatal(err)
	}
	for _, queue := range []string{"3", "4"} {
		app.change(t, "version: 1\nlimits:\n  queue: "+queue+"\n")
		if !asks(app) {
			t.Fatalf("limits.queue was changed to %s: everybody may use the gateway", queue)
		}
	}
	app.shutDown()
	again := serveFile(t, dir, text)
	defer again.shutDown()
	if asks(again) {
		t.Error("after a restart nobody gets in, though there is no client")
	}
}

func TestClients_OneThatWasNeverInForceGuardsNothing(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	app := serveFile(t, t.TempDir(), "version: 1\n")
	defer app.shutDown()
	store := madeStore(t, app)
	app.change(t, "version: 1\n")
	made, _, err := store.Create(client.Record{Name: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Revoke(made.ID); err != nil {
		t.Fatal(err)
	}
	app.change(t, "version: 1\nlimits:\n  queue: 3\n")
	if asks(app) {
		t.Error("nobody gets in any more")
	}
}

// bill writes exchanges into a ledger: at each time one of a dollar, by ann of
// the team tools.
func bill(t *testing.T, path string, at ...time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := usage.Open(usage.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for i, start := range at {
		l.Record(usage.Exchange{ID: fmt.Sprint("req_", i), Start: start, Client: "ann", Team: "tools", Class: "ok", Status: 200, Cost: 1e6})
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRecall_BudgetsSpentAreKnownFromTheLedgerWhenTheStateFileIsLost(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		at                 []time.Time
		created            time.Time
		today, month, team int64 // the team's is of the month
	}{
		"this month and today": {at: []time.Time{now.AddDate(0, 0, -9), now.Add(-13 * time.Hour), now.Add(-time.Hour)}, today: 1e6, month: 3e6, team: 3e6},
		"the month before":     {at: []time.Time{now.AddDate(0, -1, 0)}},
		"another client of that name before": {at: []time.Time{now.AddDate(0, 0, -9), now.Add(-2 * time.Hour), now.Add(-30 * time.Minute)},
			created: now.Add(-time.Hour), today: 1e6, month: 1e6, team: 3e6},
		"another one yesterday": {at: []time.Time{now.AddDate(0, 0, -3), now.AddDate(0, 0, -1), now},
			created: now.AddDate(0, 0, -2), today: 1e6, month: 2e6, team: 3e6},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "usage.db")
			bill(t, path, test.at...)
			ledger, err := usage.Start(usage.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer ledger.Close(t.Context())
			limits := client.Limits{DailyMicroUSD: 5e6, MonthlyMicroUSD: 5e6}
			registry, err := client.NewRegistry(client.Options{
				Pepper: make([]byte, 32), Teams: []client.Team{{Name: "tools", Limits: limits}, {Name: "idle", Limits: limits}},
				Static: []client.Static{{Token: client.TokenOf("a-token-of-ann-that-is-long"), Record: client.Record{Name: "ann", Team: "tools", Limits: limits, Created: test.created}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			s := &services{clients: registry, ledger: ledger, recalled: new(atomic.Bool)}
			for range 2 {
				if err := s.recall(t.Context(), now); err != nil || !s.recalled.Load() {
					t.Fatalf("%v, recalled %t", err, s.recalled.Load())
				}
			}
			if u := registry.Clients()[0].Usage(now); u.TodayMicroUSD != test.today || u.MonthMicroUSD != test.month {
				t.Errorf("ann has spent %+v, want %d and %d", u, test.today, test.month)
			}
			for _, team := range registry.Teams(now) {
				if want := map[string]int64{"tools": test.team}[team.Name]; team.Usage.MonthMicroUSD != want {
					t.Errorf("%s has spent %+v, want %d", team.Name, team.Usage, want)
				}
			}
		})
	}
}

func TestRecall_AfterAStartWithAStateFileThatCannotBeRead(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("AIMUX_TEST_CLIENT", "a-token-of-ann-that-is-long")
	if err := os.MkdirAll(filepath.Dir(place.State()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(place.State(), []byte(`{"version":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	bill(t, place.File("usage.db"), time.Now(), time.Now())
	app := serveFile(t, t.TempDir(), "version: 1\nclients[1]{name,secret,monthly_usd}:\n  ann,\"env:AIMUX_TEST_CLIENT\",5\n")
	defer app.shutDown()
	ann := app.live.now().services.clients.Clients()[0]
	for range 500 {
		if app.live.now().services.recalled.Load() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if u := ann.Usage(time.Now()); u.MonthMicroUSD != 2e6 {
		t.Errorf("ann has spent %+v, want 2 dollars", u)
	}
}

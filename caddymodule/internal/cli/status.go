package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
)

// status is `aimux status`.
func (h *Host) status(cmd *cobra.Command) {
	cmd.Use = "status"
	cmd.Short = "Shows whether aimux runs, with which version, and how it is doing"
	cmd.Long = "Shows the server that runs: version, configuration, providers, figures of the last five minutes, alerts. Ends with 3 if no server runs; then the files are shown.\n\n" +
		"With --ready it only asks one address below which aimux serves, and ends with 0 if it is ready and 1 if not: for health checks of containers."
	cmd.Example = examples("aimux status", "aimux status --json", "aimux status --ready http://127.0.0.1:8080")
	cmd.Args = takes()
	h.flags(cmd)
	ready := cmd.Flags().String("ready", "", "ask this address for /readyz and say nothing else")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		if *ready != "" {
			return s.ready(*ready)
		}
		return s.status()
	})
}

// readyWithin is how long a health check waits.
const readyWithin = 5 * time.Second

// ready asks the gateway itself, so that a check needs no admin endpoint.
func (s *session) ready(address string) error {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	base, err := url.Parse(address)
	if err != nil || base.Host == "" {
		return usagef("--ready takes an address such as http://127.0.0.1:8080")
	}
	ctx, cancel := context.WithTimeout(s.ctx, readyWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("readyz").String(), nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", res.Status)
	}
	return nil
}

// overview is what status prints as JSON: the answers of four calls.
type overview struct {
	Running   bool            `json:"running"`
	Meta      json.RawMessage `json:"meta"`
	Metrics   json.RawMessage `json:"metrics"`
	Providers json.RawMessage `json:"providers"`
	Alerts    json.RawMessage `json:"alerts"`
}

func (s *session) status() error {
	a, err := s.api()
	if err != nil {
		return err
	}
	_, running := a.way.(*server)
	o := overview{Running: running}
	if o.Meta, err = a.raw(s.ctx, "/api/meta", nil); err != nil {
		return err
	}
	if o.Metrics, err = a.raw(s.ctx, "/api/metrics", url.Values{"window": {"5m"}}); err != nil {
		return err
	}
	if o.Providers, err = a.list(s.ctx, "/api/providers", "providers", nil, 0); err != nil {
		return err
	}
	if o.Alerts, err = a.list(s.ctx, "/api/alerts", "alerts", nil, 0); err != nil {
		return err
	}
	if err := s.printOverview(&o); err != nil {
		return err
	}
	if !running {
		return nothingf("no server runs; this is what the files say")
	}
	return nil
}

func (s *session) printOverview(o *overview) error {
	if s.json() {
		data, err := json.Marshal(o)
		if err != nil {
			return err
		}
		return s.printJSON(data)
	}
	var about console.About
	var figures console.Figures
	var providers struct{ Providers []console.Provider }
	var alerts struct{ Alerts []console.Alert }
	for _, part := range []struct {
		data json.RawMessage
		v    any
	}{{o.Meta, &about}, {o.Metrics, &figures}, {o.Providers, &providers}, {o.Alerts, &alerts}} {
		if err := decode(part.data, part.v); err != nil {
			return err
		}
	}
	s.printAbout(&about, o.Running)
	if o.Running {
		s.printFigures(&figures)
	}
	s.printFiring(alerts.Alerts)
	if len(providers.Providers) == 0 {
		return nil
	}
	fmt.Fprintln(s.out)
	return s.printProviders(providers.Providers)
}

// line prints a field with its name.
func (s *session) line(name, format string, args ...any) {
	fmt.Fprintf(s.out, "%-14s"+format+"\n", append([]any{name}, args...)...)
}

func (s *session) printAbout(about *console.About, running bool) {
	up := s.paint(Green, "running") + " for " + strings.TrimSuffix(s.ago(about.Started), " ago")
	if !running {
		up = s.paint(Yellow, "not running")
	}
	s.line("aimux", "%s, %s, %s", clean(about.Version), up, clean(about.Go))
	s.line("configuration", "%s", clean(about.ConfigSource))
	vault := s.paint(colourOf(about.Vault.State), about.Vault.State)
	if about.Vault.Source != "" {
		vault += ", opened by the " + clean(about.Vault.Source)
	}
	s.line("vault", "%s", vault)
	for _, part := range []struct {
		name string
		is   console.Condition
	}{{"ledger", about.Health.Ledger}, {"audit log", about.Health.Audit}, {"telemetry", about.Health.Telemetry}} {
		if !part.is.OK {
			s.line(part.name, "%s %s", s.paint(Red, "in trouble:"), clean(part.is.Message))
		}
	}
	if about.Simulated {
		s.line("note", "no provider is configured: the built-in simulator answers. `aimux providers add` adds one")
	}
}

func (s *session) printFigures(f *console.Figures) {
	s.line("last 5 min", "%s requests, %s of them well, %d in flight, first token after %s (p50), %s (p95)",
		number(f.Requests), percent(f.SuccessRate), f.InFlight, millis(f.TTFT.P50), millis(f.TTFT.P95))
}

func (s *session) printFiring(all []console.Alert) {
	for _, a := range all {
		if a.State == "firing" {
			s.line("alert", "%s %s", s.paint(Red, "firing:"), clean(a.Text))
		}
	}
}

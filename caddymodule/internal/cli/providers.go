package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
)

// providers is `aimux providers …`.
func (h *Host) providers(cmd *cobra.Command) {
	cmd.Use = "providers <command>"
	cmd.Short = "Lists, tests, switches, adds and removes providers"
	cmd.Long = "Works on the providers behind the gateway. What is changed here is written to overrides.toon, which lies over your own configuration, and is in force at once."
	cmd.Example = examples("aimux providers list", "aimux providers test zai", "aimux providers disable minimax")
	h.flags(cmd)
	group(cmd, h.providersList(), h.providersShow(), h.providersTest(), h.providersToggle("enable", true), h.providersToggle("disable", false), h.providersAdd(), h.providersRemove())
}

func (h *Host) providersList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Lists the providers with how they are doing", Aliases: []string{"ls"},
		Long:    "Lists every provider, also those that are switched off, with its state, its figures and its keys.",
		Example: examples("aimux providers list", "aimux providers list --json"), Args: takes(),
		RunE: h.run(func(s *session, _ []string) error {
			a, err := s.api()
			if err != nil {
				return err
			}
			data, err := a.list(s.ctx, "/api/providers", "providers", nil, 0)
			if err != nil {
				return err
			}
			var got struct{ Providers []console.Provider }
			if err := s.show(data, &got, func() error { return s.printProviders(got.Providers) }); err != nil {
				return err
			}
			return s.some(data, "providers", "there are no providers; `aimux providers add` adds one")
		}),
	}
}

// some says that a list is empty, which is an exit code of its own.
func (s *session) some(data json.RawMessage, member, otherwise string) error {
	var answer map[string]json.RawMessage
	var rows []json.RawMessage
	if err := decode(data, &answer); err != nil {
		return err
	}
	if err := decode(answer[member], &rows); err != nil {
		return err
	}
	if len(rows) == 0 {
		return nothingf("%s", otherwise)
	}
	return nil
}

func (s *session) printProviders(all []console.Provider) error {
	if len(all) == 0 {
		return nil
	}
	t := table{head: []string{"provider", "kind", "\ttier", "status", "keys", "\trequests", "\tsuccess", "\tttft", "\ttok/s", "\tin flight"}}
	for _, p := range all {
		ready := 0
		for _, k := range p.Keys {
			if k.State == "ready" {
				ready++
			}
		}
		t.row(p.ID, p.Kind, strconv.Itoa(p.Tier), state(p.Status), fmt.Sprintf("%d/%d", ready, len(p.Keys)), number(p.Requests), percent(p.SuccessRate),
			millis(p.TTFTMS), perSecond(p.TokensPerSecond), number(p.InFlight))
	}
	return t.write(s.out, s.paint)
}

func (h *Host) providersShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Shows a provider with its keys and its models",
		Long:    "Shows one provider: its addresses, where it is configured, its keys, and the models it was asked for.",
		Example: examples("aimux providers show zai", "aimux providers show zai --json"), Args: takes("ID"), ValidArgsFunction: h.completeProviders(1),
		RunE: h.run(func(s *session, args []string) error {
			a, err := s.api()
			if err != nil {
				return err
			}
			data, err := a.raw(s.ctx, pathOf("api", "providers", args[0]), nil)
			if err != nil {
				return err
			}
			var p console.Provider
			return s.show(data, &p, func() error { return s.printProvider(&p) })
		}),
	}
}

func (s *session) printProvider(p *console.Provider) error {
	s.line("provider", "%s (%s), tier %d, weight %d, from: %s", clean(p.ID), clean(p.Title), p.Tier, p.Weight, clean(p.Origin))
	s.line("status", "%s: %s", s.paint(colourOf(p.Status), p.Status), clean(p.StatusText))
	s.line("address", "%s", clean(p.BaseURL))
	for name, address := range map[string]string{"anthropic": p.AnthropicBaseURL, "responses": p.ResponsesBaseURL} {
		if address != "" && address != p.BaseURL {
			s.line(name, "%s", clean(address))
		}
	}
	s.line("figures", "%s requests, %s failed, %s up, ping %s, first token %s", number(p.Requests), number(p.Failures), percent(p.Uptime), millis(p.PingMS), millis(p.TTFTMS))
	if len(p.Keys) > 0 {
		fmt.Fprintln(s.out)
		if err := s.printKeys(p.Keys); err != nil {
			return err
		}
	}
	if len(p.Targets) == 0 {
		return nil
	}
	fmt.Fprintln(s.out)
	t := table{head: []string{"model", "breaker", "opens", "\tttft", "\ttok/s", "\tsuccess"}}
	for _, x := range p.Targets {
		colour := Green
		if x.Breaker != "closed" {
			colour = Yellow
		}
		t.row(x.Model, cell{x.Breaker, colour}, s.until(x.Until), millis(x.TTFTMS), perSecond(x.TokensPerSecond), percent(x.SuccessRate))
	}
	return t.write(s.out, s.paint)
}

func (h *Host) providersTest() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test [ID...]", Short: "Asks providers something that costs nothing",
		Long:    "Asks providers for their list of models, which none charges for, with one of their keys: all that are switched on, or those named. Ends with 1 if one does not answer well.",
		Example: examples("aimux providers test", "aimux providers test zai --key spare", "aimux providers test --json"),
		Args:    takes("[ID...]"), ValidArgsFunction: h.completeProviders(-1),
	}
	key := cmd.Flags().String("key", "", "use the key of this name (default: the first)")
	cmd.RunE = h.run(func(s *session, args []string) error {
		if *key != "" && len(args) != 1 {
			return usagef("--key belongs to one provider: name it")
		}
		ids, err := s.enabled(args)
		if err != nil {
			return err
		}
		return s.test(ids, *key)
	})
	return cmd
}

// enabled returns the providers that were named, or all that are switched on.
func (s *session) enabled(named []string) ([]string, error) {
	if len(named) > 0 {
		return named, nil
	}
	all, err := s.allProviders()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, p := range all {
		if p.Enabled {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nothingf("there is no provider that is switched on")
	}
	return ids, nil
}

func (s *session) allProviders() ([]console.Provider, error) {
	a, err := s.api()
	if err != nil {
		return nil, err
	}
	data, err := a.list(s.ctx, "/api/providers", "providers", nil, 0)
	if err != nil {
		return nil, err
	}
	var got struct{ Providers []console.Provider }
	return got.Providers, decode(data, &got)
}

// tested is the answer of a test with whom it is of.
type tested struct {
	Provider string `json:"provider"`
	Key      string `json:"key,omitempty"`
	console.TestResult
}

// test asks providers one after the other.
func (s *session) test(ids []string, key string) error {
	a, err := s.api()
	if err != nil {
		return err
	}
	results := []tested{}
	failed := 0
	for _, id := range ids {
		r := tested{Provider: id, Key: key}
		data, err := a.send(s.ctx, http.MethodPost, pathOf("api", "providers", id, "test"), map[string]string{"key": key})
		var refused *APIError
		switch {
		case err != nil && len(ids) > 1 && errors.As(err, &refused): // the others may do
			r.Code, r.Message = refused.Code, refused.Message
		case err != nil:
			return err
		default:
			if err := decode(data, &r.TestResult); err != nil {
				return err
			}
		}
		if !r.OK {
			failed++
		}
		results = append(results, r)
	}
	if err := s.printTests(results); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%s did not answer well", plural(failed, "provider"))
	}
	return nil
}

func (s *session) printTests(results []tested) error {
	if s.json() {
		data, err := json.Marshal(map[string]any{"results": results})
		return errors.Join(err, s.printJSON(data))
	}
	t := table{head: []string{"provider", "result", "\ttook", "says"}}
	for _, r := range results {
		result := state("ok")
		if !r.OK {
			result = state("failed")
		}
		t.row(r.Provider, result, millis(r.MS), r.Message)
	}
	return t.write(s.out, s.paint)
}

func (h *Host) providersToggle(verb string, on bool) *cobra.Command {
	what := map[bool]string{true: "on", false: "off"}[on]
	return &cobra.Command{
		Use: verb + " ID", Short: "Switches a provider " + what,
		Long:    "Switches a provider " + what + ", at once and for good. Requests under way are not disturbed.",
		Example: examples("aimux providers "+verb+" minimax", "aimux providers "+verb+" zai --json"), Args: takes("ID"), ValidArgsFunction: h.completeProviders(1),
		RunE: h.run(func(s *session, args []string) error {
			a, err := s.api()
			if err != nil {
				return err
			}
			data, err := a.send(s.ctx, http.MethodPost, pathOf("api", "providers", args[0], "toggle"), map[string]bool{"enabled": on})
			if err != nil {
				return err
			}
			return s.changed(data, "provider %s is switched %s", clean(args[0]), what)
		}),
	}
}

package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/spf13/cobra"
)

// clients is `aimux clients …`.
func (h *Host) clients(cmd *cobra.Command) {
	cmd.Use = "clients <command>"
	cmd.Short = "Makes, limits, rotates and revokes the keys of your own clients"
	cmd.Long = "Works on those who may use the gateway: people, machines, programs. Each has a token of its own, amx_…, that is shown once, and limits. A client is named by its id or by its name. " +
		"With the first client the gateway asks everybody for a token; without any, only this machine can use it."
	cmd.Example = examples("aimux clients create anna --models coder --daily-usd 5", "aimux clients list", "aimux clients rotate anna --grace 24h")
	h.flags(cmd)
	group(cmd, h.clientsList(), h.clientsShow(), h.clientsCreate(), h.clientsSet(), h.clientsRotate(), h.clientsRevoke())
}

func (h *Host) clientsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Lists the clients with their limits and what they spent", Aliases: []string{"ls"},
		Long: "Lists everybody who may use the gateway.", Example: examples("aimux clients list", "aimux clients list --json"), Args: takes(),
		RunE: h.run(func(s *session, _ []string) error {
			a, err := s.api()
			if err != nil {
				return err
			}
			data, err := a.list(s.ctx, "/api/clients", "clients", nil, 0)
			if err != nil {
				return err
			}
			var got struct{ Clients []console.Client }
			if err := s.show(data, &got, func() error { return s.printClients(got.Clients) }); err != nil {
				return err
			}
			return s.some(data, "clients", "there are no clients: everybody on this machine may use the gateway, and nobody else; `aimux clients create NAME` makes one")
		}),
	}
}

func (s *session) printClients(all []console.Client) error {
	if len(all) == 0 {
		return nil
	}
	t := table{head: []string{"id", "name", "team", "on", "models", "\ttoday", "\tof", "\tmonth", "\tof", "expires", "kept in"}}
	for i := range all {
		c := &all[i]
		t.row(c.ID, c.Name, orNone(c.Team), yes(on(c)), listed(c.Models, "all"), usage.Dollars(c.SpentTodayMicroUSD), dollars(c.DailyMicroUSD),
			usage.Dollars(c.SpentMonthMicroUSD), dollars(c.MonthlyMicroUSD), stamp(c.Expires), c.Source)
	}
	return t.write(s.out, s.paint)
}

func on(c *console.Client) bool { return c.Enabled == nil || *c.Enabled }

// dollars writes a limit in money; 0 is none.
func dollars(micro int64) string {
	if micro == 0 {
		return none
	}
	return usage.Dollars(micro)
}

func limit(n int64) string {
	if n == 0 {
		return "no limit"
	}
	return number(n)
}

// client finds one client by its id or its name.
func (s *session) client(a *api, name string) (*console.Client, json.RawMessage, error) {
	data, err := a.list(s.ctx, "/api/clients", "clients", nil, 0)
	if err != nil {
		return nil, nil, err
	}
	var rows struct{ Clients []json.RawMessage }
	if err := decode(data, &rows); err != nil {
		return nil, nil, err
	}
	var found []*console.Client
	var raw json.RawMessage
	for _, row := range rows.Clients {
		c := new(console.Client)
		if err := decode(row, c); err != nil {
			return nil, nil, err
		}
		if c.ID == name {
			return c, row, nil
		}
		if c.Name == name {
			found, raw = append(found, c), row
		}
	}
	switch len(found) {
	case 0:
		return nil, nil, nothingf("there is no client %q", clean(name))
	case 1:
		return found[0], raw, nil
	}
	return nil, nil, usagef("%d clients are called %q; name one by its id", len(found), clean(name))
}

func (h *Host) clientsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show CLIENT", Short: "Shows a client with all its limits",
		Long:    "Shows one client, named by its id or its name. Its token cannot be shown: it is nowhere.",
		Example: examples("aimux clients show anna", "aimux clients show anna --json"), Args: takes("CLIENT"), ValidArgsFunction: h.completeClients,
		RunE: h.run(func(s *session, args []string) error {
			a, err := s.api()
			if err != nil {
				return err
			}
			c, raw, err := s.client(a, args[0])
			if err != nil {
				return err
			}
			return s.show(raw, c, func() error { return s.printClient(c) })
		}),
	}
}

func (s *session) printClient(c *console.Client) error {
	s.line("client", "%s (%s), kept in the %s", clean(c.Name), clean(c.ID), clean(c.Source))
	s.line("team", "%s", clean(orNone(c.Team)))
	s.line("switched on", "%s", yes(on(c)).text)
	s.line("made", "%s, expires %s", stamp(c.Created), stamp(c.Expires))
	s.line("models", "%s", clean(listed(c.Models, "all")))
	s.line("dialects", "%s", clean(listed(c.Dialects, "all")))
	s.line("networks", "%s", clean(listed(c.Networks, "all")))
	s.line("per minute", "requests: %s, tokens: %s", limit(c.RequestsPerMinute), limit(c.TokensPerMinute))
	s.line("streams", "%d running, at most %s", c.Streams, limit(c.MaxStreams))
	s.line("today", "%s of %s", usage.Dollars(c.SpentTodayMicroUSD), dollars(c.DailyMicroUSD))
	s.line("this month", "%s of %s", usage.Dollars(c.SpentMonthMicroUSD), dollars(c.MonthlyMicroUSD))
	return nil
}

// withToken is the answer that shows a token, once.
type withToken struct {
	Client console.Client `json:"client"`
	Token  string         `json:"token"`
}

// printToken prints the token alone, so that a script can take it.
func (s *session) printToken(data json.RawMessage, what string) error {
	var got withToken
	return s.show(data, &got, func() error {
		s.say("client %s (%s) %s. Its token follows. It is shown this once and kept nowhere: give it to the client now.", clean(got.Client.Name), clean(got.Client.ID), what)
		_, err := fmt.Fprintln(s.out, got.Token)
		return err
	})
}

func (h *Host) clientsRotate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rotate CLIENT", Short: "Gives a client a new token",
		Long:    "Makes a new token for a client and prints it once. With --grace the old one works for that time yet; otherwise it stops at once.",
		Example: examples("aimux clients rotate anna --grace 24h", "aimux clients rotate ci --grace 7d --json"), Args: takes("CLIENT"), ValidArgsFunction: h.completeClients,
	}
	grace := cmd.Flags().String("grace", "", "how long the old token works yet: 30m, 24h, 7d (at most 30d)")
	cmd.RunE = h.run(func(s *session, args []string) error {
		var keep time.Duration
		if *grace != "" && *grace != "0" {
			var ok bool
			if keep, ok = age(*grace); !ok {
				return usagef("--grace %q: a duration such as 30m, 24h or 7d belongs here", clean(*grace))
			}
		}
		a, err := s.api()
		if err != nil {
			return err
		}
		c, _, err := s.client(a, args[0])
		if err != nil {
			return err
		}
		data, err := a.send(s.ctx, http.MethodPost, pathOf("api", "clients", c.ID, "rotate"), map[string]int64{"grace_seconds": int64(keep.Seconds())})
		if err != nil {
			return err
		}
		return s.printToken(data, "has a new token")
	})
	return cmd
}

func (h *Host) clientsRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke CLIENT", Short: "Removes a client; its token stops working at once", Aliases: []string{"remove", "rm"},
		Long:    "Removes a client for good. If it was the last one, nobody can use a gateway that other machines reach until there is another.",
		Example: examples("aimux clients revoke anna", "aimux clients revoke anna --yes"), Args: takes("CLIENT"), ValidArgsFunction: h.completeClients,
		RunE: h.run(func(s *session, args []string) error {
			a, err := s.api()
			if err != nil {
				return err
			}
			c, _, err := s.client(a, args[0])
			if err != nil {
				return err
			}
			if err := s.sure("Revoke client %s (%s)?", clean(c.Name), clean(c.ID)); err != nil {
				return err
			}
			data, err := a.send(s.ctx, http.MethodDelete, pathOf("api", "clients", c.ID), nil)
			if err != nil {
				return err
			}
			return s.changed(data, "client %s is revoked", clean(c.Name))
		}),
	}
	yesFlag(cmd)
	return cmd
}

// trimmed splits a list that a user wrote with commas.
func trimmed(text string) []string {
	out := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

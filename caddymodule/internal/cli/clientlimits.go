package cli

import (
	"math"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (h *Host) clientsCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Makes a client and prints its token, once",
		Long: "Makes a client. Its token is printed alone on the standard output, once. Every limit that is not given does not limit.",
		Example: examples("aimux clients create anna --models coder,quick --daily-usd 5 --rpm 60", "aimux clients create ci --networks 10.0.0.0/8 --expires 90d",
			"TOKEN=$(aimux clients create laptop)"),
		Args: takes("NAME"),
	}
	limitFlags(cmd.Flags())
	cmd.RunE = h.run(func(s *session, args []string) error {
		in := console.ClientSettings{Name: args[0], Models: []string{}, Dialects: []string{}, Networks: []string{}}
		if err := s.limits(&in); err != nil {
			return err
		}
		a, err := s.api()
		if err != nil {
			return err
		}
		fresh := s.withoutVault(a)
		data, err := a.send(s.ctx, http.MethodPost, "/api/clients", sent(in))
		if err != nil {
			return err
		}
		if fresh {
			s.promise()
		}
		return s.printToken(data, "is made")
	})
	return cmd
}

func (h *Host) clientsSet() *cobra.Command {
	cmd := &cobra.Command{
		Use: "set CLIENT", Short: "Changes the limits of a client",
		Long:    "Changes what is given and leaves the rest. A limit of 0, and an empty list, take the limit away.",
		Example: examples("aimux clients set anna --daily-usd 10", "aimux clients set ci --models '' --enabled=false"), Args: takes("CLIENT"), ValidArgsFunction: h.completeClients,
	}
	limitFlags(cmd.Flags())
	cmd.Flags().Bool("enabled", true, "whether the token works")
	cmd.Flags().String("name", "", "another name")
	cmd.RunE = h.run(func(s *session, args []string) error {
		a, err := s.api()
		if err != nil {
			return err
		}
		c, _, err := s.client(a, args[0])
		if err != nil {
			return err
		}
		if err := s.limits(&c.ClientSettings); err != nil {
			return err
		}
		data, err := a.send(s.ctx, http.MethodPut, pathOf("api", "clients", c.ID), sent(c.ClientSettings))
		if err != nil {
			return err
		}
		return s.changed(data, "client %s is changed", clean(c.Name))
	})
	return cmd
}

// limitFlags adds what can be said of a client.
func limitFlags(f *pflag.FlagSet) {
	f.String("team", "", "the team whose limits it shares")
	f.String("models", "", "the models it may ask for, with commas; name* is a beginning (default: all)")
	f.String("dialects", "", "the wire formats it may use: anthropic, openai, responses (default: all)")
	f.String("networks", "", "where it may come from: 10.0.0.0/8,192.0.2.7/32 (default: anywhere)")
	f.String("expires", "", "when it ends: a date, a time, or an age such as 90d; never takes the end away")
	f.Int64("rpm", 0, "requests a minute")
	f.Int64("tpm", 0, "tokens a minute")
	f.Int64("streams", 0, "requests at the same time")
	f.Float64("daily-usd", 0, "what it may spend a day, in US dollars")
	f.Float64("monthly-usd", 0, "what it may spend a month, in US dollars")
}

// limits writes the flags that were given into settings.
func (s *session) limits(to *console.ClientSettings) error {
	f := s.cmd.Flags()
	for name, at := range map[string]*string{"team": &to.Team, "name": &to.Name} {
		if f.Changed(name) {
			*at = s.text(name)
		}
	}
	for name, at := range map[string]*[]string{"models": &to.Models, "dialects": &to.Dialects, "networks": &to.Networks} {
		if f.Changed(name) {
			*at = trimmed(s.text(name))
		}
	}
	for name, at := range map[string]*int64{"rpm": &to.RequestsPerMinute, "tpm": &to.TokensPerMinute, "streams": &to.MaxStreams} {
		if n, err := f.GetInt64(name); err == nil && f.Changed(name) {
			*at = n
		}
	}
	for name, at := range map[string]*int64{"daily-usd": &to.DailyMicroUSD, "monthly-usd": &to.MonthlyMicroUSD} {
		if usd, err := f.GetFloat64(name); err == nil && f.Changed(name) {
			if usd < 0 || usd > 1e9 || math.IsNaN(usd) {
				return usagef("--%s: an amount of dollars belongs here", name)
			}
			*at = int64(math.Round(usd * 1e6))
		}
	}
	if f.Lookup("enabled") != nil && f.Changed("enabled") {
		on, _ := f.GetBool("enabled")
		to.Enabled = &on
	}
	return s.expiry(to)
}

func (s *session) expiry(to *console.ClientSettings) error {
	text := s.text("expires")
	switch {
	case !s.cmd.Flags().Changed("expires"):
		return nil
	case text == "never" || text == "":
		to.Expires = console.Time{}
		return nil
	}
	if d, ok := age(text); ok {
		to.Expires = console.At(s.host.Now().Add(d))
		return nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			to.Expires = console.At(t)
			return nil
		}
	}
	return usagef("--expires %q: a date such as 2027-01-31, a time, an age such as 90d, or never belongs here", clean(text))
}

// sentClient is a client's settings as the API takes them: a time that is not
// known is left out.
type sentClient struct {
	console.ClientSettings
	Expires *console.Time `json:"expires,omitempty"`
}

func sent(c console.ClientSettings) sentClient {
	out := sentClient{ClientSettings: c}
	if !c.Expires.IsZero() {
		out.Expires = &c.Expires
	}
	return out
}

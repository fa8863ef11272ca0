package cli

import (
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
)

// models is `aimux models`.
func (h *Host) models(cmd *cobra.Command) {
	cmd.Use = "models [command]"
	cmd.Short = "Lists the models clients may ask for, and who may answer"
	cmd.Long = "Lists every name a client may ask for with the providers and models that may answer, in the order they would be tried at this moment."
	cmd.Example = examples("aimux models", "aimux models list --json")
	h.flags(cmd)
	list := &cobra.Command{
		Use: "list", Short: cmd.Short, Long: cmd.Long, Example: examples("aimux models list", "aimux models list --json"), Args: takes(), Aliases: []string{"ls"},
		RunE: h.run(func(s *session, _ []string) error { return s.models() }),
	}
	group(cmd, list)
	bare := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return bare(cmd, args)
		}
		return h.run(func(s *session, _ []string) error { return s.models() })(cmd, args)
	}
}

func (s *session) models() error {
	a, err := s.api()
	if err != nil {
		return err
	}
	data, err := a.list(s.ctx, "/api/models", "aliases", nil, 0)
	if err != nil {
		return err
	}
	var got struct{ Aliases []console.Alias }
	err = s.show(data, &got, func() error {
		t := table{head: []string{"model", "strategy", "provider", "answers with", "\ttier", "\tttft", "\ttok/s", "standing"}}
		for _, alias := range got.Aliases {
			for i, c := range alias.Candidates {
				name, strategy := alias.Alias, alias.Strategy
				if i > 0 {
					name, strategy = "", ""
				}
				t.row(name, strategy, c.Provider, c.Model, strconv.Itoa(c.Tier), millis(c.ExpectedTTFTMS), perSecond(c.TokensPerSecond), s.standing(&c))
			}
		}
		if len(t.rows) == 0 {
			return nil
		}
		return t.write(s.out, s.paint)
	})
	if err != nil {
		return err
	}
	return s.some(data, "aliases", "there are no models; `aimux providers add` adds a provider that has some")
}

// standing says in a few words whether a candidate would be asked.
func (s *session) standing(c *console.Candidate) cell {
	switch {
	case !c.Enabled:
		return cell{"disabled", dim}
	case c.Picked:
		return cell{first(c.Reason), Green}
	case c.Filtered != "":
		return cell{c.Filtered, Yellow}
	case !c.RestingUntil.IsZero():
		return cell{"resting, ready " + s.until(c.RestingUntil), Yellow}
	}
	return cell{c.Reason, ""}
}

// first marks the target that is asked first.
func first(reason string) string {
	if reason == "" {
		return "first"
	}
	return "first: " + reason
}

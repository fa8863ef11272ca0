package cli

import (
	"fmt"
	"net/http"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/spf13/cobra"
)

func (h *Host) keysRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove KEY", Short: "Removes a key and takes its secret out of the vault", Aliases: []string{"rm"},
		Long:    "Removes a key that was added here or in the console. One of your own configuration file can only be disabled.",
		Example: examples("aimux keys remove zai spare", "aimux keys remove zai/spare --yes"), Args: takes("PROVIDER", "[NAME]"), ValidArgsFunction: h.completeKeys,
		RunE: h.run(func(s *session, args []string) error {
			provider, name, err := keyName(args)
			if err != nil {
				return err
			}
			if err := s.sure("Remove key %s/%s?", clean(provider), clean(name)); err != nil {
				return err
			}
			a, err := s.api()
			if err != nil {
				return err
			}
			data, err := a.send(s.ctx, http.MethodDelete, pathOf("api", "keys", provider, name), nil)
			if err != nil {
				return err
			}
			return s.changed(data, "key %s/%s is removed", clean(provider), clean(name))
		}),
	}
	yesFlag(cmd)
	return cmd
}

func (h *Host) keysTest() *cobra.Command {
	return &cobra.Command{
		Use: "test KEY", Short: "Asks a key's provider something that costs nothing",
		Long:    "Asks the provider for its list of models with this key, which none charges for. Ends with 1 if the provider does not accept it.",
		Example: examples("aimux keys test zai spare", "aimux keys test zai/spare --json"), Args: takes("PROVIDER", "[NAME]"), ValidArgsFunction: h.completeKeys,
		RunE: h.run(func(s *session, args []string) error {
			provider, name, err := keyName(args)
			if err != nil {
				return err
			}
			return s.test([]string{provider}, name)
		}),
	}
}

func (h *Host) keysReset() *cobra.Command {
	return &cobra.Command{
		Use: "reset KEY", Short: "Wakes a key that rests",
		Long:    "Ends all rests of a key: it is used again with the next request. A provider that still refuses it lets it rest anew.",
		Example: examples("aimux keys reset zai main", "aimux keys reset zai/main"), Args: takes("PROVIDER", "[NAME]"), ValidArgsFunction: h.completeKeys,
		RunE: h.run(func(s *session, args []string) error {
			provider, name, err := keyName(args)
			if err != nil {
				return err
			}
			a, err := s.api()
			if err != nil {
				return err
			}
			data, err := a.send(s.ctx, http.MethodPost, pathOf("api", "keys", provider, name, "reset"), nil)
			if err != nil {
				return err
			}
			return s.changed(data, "key %s/%s is awake", clean(provider), clean(name))
		}),
	}
}

// withoutVault reports whether there is no vault yet: what stores a key then
// makes one.
func (s *session) withoutVault(a *api) bool {
	var about console.About
	return a.get(s.ctx, "/api/meta", nil, &about) == nil && about.Vault.State == "absent"
}

// promise says what the new vault protects, if it can be read from here: the
// server may be another user's.
func (s *session) promise() {
	files, err := s.host.Files(s.ctx, s.text("config"))
	if err != nil {
		return
	}
	defer files.Close()
	if v, err := vault.Open(s.ctx, files.Vault); err == nil {
		fmt.Fprint(s.cmd.ErrOrStderr(), "This was the first key, so a vault was made for it.\n"+v.Promise())
	}
}

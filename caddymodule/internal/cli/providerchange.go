package cli

import (
	"net/http"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
)

// newProvider is the body that adds a provider.
type newProvider struct {
	ID string `json:"id"`
	console.ProviderChange
	Keys []newKey `json:"keys,omitempty"`
}

func (h *Host) providersAdd() *cobra.Command {
	var (
		key, account string
		none         bool
	)
	cmd := &cobra.Command{
		Use: "add ID", Short: "Adds a provider with a key",
		Long: "Adds a provider. The id is the name you give it; without --kind it is also the kind: cerebras, zai, minimax, synthetic, openai, anthropic and others that aimux knows, " +
			"or openai-compatible with an address. The key is asked for, and kept in the vault.",
		Example: examples("aimux providers add zai", "aimux providers add work --kind openai --stdin < key.txt",
			"aimux providers add box --kind openai-compatible --base-url http://127.0.0.1:11434/v1 --no-key"),
		Args: takes("ID"), ValidArgsFunction: h.completeKinds,
	}
	f := cmd.Flags()
	for _, name := range []string{"base-url", "anthropic-base-url", "responses-base-url"} {
		f.String(name, "", "an address that is not the usual one")
	}
	f.String("kind", "", "the kind of provider (default: the id)")
	f.Int("tier", 0, "its tier: lower ones are asked first")
	f.Int("weight", 0, "its weight within the tier")
	f.StringVar(&key, "key", "main", "the name of its key")
	f.StringVar(&account, "account", "", "the account the key belongs to; keys of one account share its limits")
	f.BoolVar(&none, "no-key", false, "add no key")
	secretFlags(cmd, "the key")
	cmd.RunE = h.run(func(s *session, args []string) error {
		in := newProvider{ID: args[0], ProviderChange: s.providerChange(args[0])}
		if !none {
			text, err := s.secret("the API key of "+clean(args[0]), false)
			if err != nil {
				return err
			}
			in.Keys = []newKey{{Name: key, Account: account, Secret: text}}
		}
		return s.addProvider(in)
	})
	return cmd
}

// providerChange is what the flags say of a provider.
func (s *session) providerChange(id string) console.ProviderChange {
	var c console.ProviderChange
	f := s.cmd.Flags()
	for name, to := range map[string]**string{"base-url": &c.BaseURL, "anthropic-base-url": &c.AnthropicBaseURL, "responses-base-url": &c.ResponsesBaseURL} {
		if f.Changed(name) {
			*to = new(s.text(name))
		}
	}
	for name, to := range map[string]**int{"tier": &c.Tier, "weight": &c.Weight} {
		if n, err := f.GetInt(name); err == nil && f.Changed(name) {
			*to = &n
		}
	}
	c.Kind = &id
	if f.Changed("kind") {
		c.Kind = new(s.text("kind"))
	}
	return c
}

func (s *session) addProvider(in newProvider) error {
	a, err := s.api()
	if err != nil {
		return err
	}
	fresh := len(in.Keys) > 0 && s.withoutVault(a)
	data, err := a.send(s.ctx, http.MethodPost, "/api/providers", in)
	if err != nil {
		return err
	}
	if fresh {
		s.promise()
	}
	return s.changed(data, "provider %s is added; `aimux providers test %s` asks it", clean(in.ID), clean(in.ID))
}

func (h *Host) providersRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Removes a provider with its keys", Aliases: []string{"rm"},
		Long:    "Removes a provider that was added here or in the console, and takes its keys out of the vault. One of your own configuration file can only be disabled.",
		Example: examples("aimux providers remove work", "aimux providers remove work --yes"), Args: takes("ID"), ValidArgsFunction: h.completeProviders(1),
		RunE: h.run(func(s *session, args []string) error {
			if err := s.sure("Remove provider %s and its keys?", clean(args[0])); err != nil {
				return err
			}
			a, err := s.api()
			if err != nil {
				return err
			}
			data, err := a.send(s.ctx, http.MethodDelete, pathOf("api", "providers", args[0]), nil)
			if err != nil {
				return err
			}
			return s.changed(data, "provider %s is removed", clean(args[0]))
		}),
	}
	yesFlag(cmd)
	return cmd
}

package cli

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
)

// keys is `aimux keys …`.
func (h *Host) keys(cmd *cobra.Command) {
	cmd.Use = "keys <command>"
	cmd.Short = "Lists, adds, rotates, switches and removes the keys of providers"
	cmd.Long = "Works on the API keys of providers. A key is named PROVIDER NAME or PROVIDER/NAME. Its secret is asked for, or read with --stdin or --file, and kept sealed in the vault; " +
		"nothing shows it again."
	cmd.Example = examples("aimux keys list", "aimux keys add zai spare", "aimux keys rotate zai/spare --file new-key.txt")
	h.flags(cmd)
	group(cmd, h.keysList(), h.keysAdd(), h.keysRotate(), h.keysRemove(), h.keysToggle("enable", true), h.keysToggle("disable", false), h.keysTest(), h.keysReset())
}

// newKey is the body that adds a key. Its secret goes to the API and nowhere
// else.
type newKey struct {
	Provider string `json:"provider,omitempty"`
	Name     string `json:"name"`
	Account  string `json:"account,omitempty"`
	Secret   string `json:"secret"`
}

func (h *Host) keysList() *cobra.Command {
	return &cobra.Command{
		Use: "list [PROVIDER]", Short: "Lists keys with how they stand", Aliases: []string{"ls"},
		Long:    "Lists the keys of all providers, or of one: ready, resting until when and why, disabled, or missing. Of the secret the last four characters are shown.",
		Example: examples("aimux keys list", "aimux keys list zai --json"), Args: takes("[PROVIDER]"), ValidArgsFunction: h.completeProviders(1),
		RunE: h.run(func(s *session, args []string) error {
			a, err := s.api()
			if err != nil {
				return err
			}
			data, err := a.list(s.ctx, "/api/keys", "keys", nil, 0)
			if err == nil && len(args) > 0 {
				data, err = only(data, "keys", func(k *console.Key) bool { return k.Provider == args[0] })
			}
			if err != nil {
				return err
			}
			var got struct{ Keys []console.Key }
			if err := s.show(data, &got, func() error { return s.printKeys(got.Keys) }); err != nil {
				return err
			}
			return s.some(data, "keys", "there are no keys; `aimux keys add PROVIDER` adds one")
		}),
	}
}

// only keeps the rows of a list that are wanted.
func only[T any](data json.RawMessage, member string, want func(*T) bool) (json.RawMessage, error) {
	var rows []json.RawMessage
	var answer map[string]json.RawMessage
	if err := decode(data, &answer); err != nil {
		return nil, err
	}
	if err := decode(answer[member], &rows); err != nil {
		return nil, err
	}
	kept := []json.RawMessage{}
	for _, row := range rows {
		var v T
		if err := decode(row, &v); err != nil {
			return nil, err
		}
		if want(&v) {
			kept = append(kept, row)
		}
	}
	var err error
	if answer[member], err = json.Marshal(kept); err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func (s *session) printKeys(all []console.Key) error {
	if len(all) == 0 {
		return nil
	}
	t := table{head: []string{"provider", "key", "account", "state", "until", "kept in", "ends in", "\trequests", "\tfailed", "\tin flight", "why"}}
	for _, k := range all {
		why := k.Reason
		if why == "" && len(k.Rests) > 0 {
			why = k.Rests[0].Reason + " (" + k.Rests[0].Model + ")"
		}
		t.row(k.Provider, k.Name, orNone(k.Account), state(k.State), s.until(k.Until), k.Source, orNone(k.Last4),
			number(k.Requests), number(k.Failures), number(k.InFlight), why)
	}
	return t.write(s.out, s.paint)
}

// keyName reads how a key was named: "zai main", "zai/main".
func keyName(args []string) (provider, name string, err error) {
	provider = args[0]
	if len(args) > 1 {
		return provider, args[1], nil
	}
	provider, name, ok := strings.Cut(provider, "/")
	if !ok || provider == "" || name == "" {
		return "", "", usagef("%q names no key: PROVIDER NAME or PROVIDER/NAME does", clean(args[0]))
	}
	return provider, name, nil
}

func (h *Host) keysAdd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "add PROVIDER [NAME]", Short: "Stores a key in the vault and adds it to its provider",
		Long:    "Adds a key to a provider. The secret is asked for and not shown, or read with --stdin or --file. Without a name the key is called main. The first key makes the vault.",
		Example: examples("aimux keys add zai", "aimux keys add zai spare --account acme-eu", "pass show zai | aimux keys add zai/spare --stdin"),
		Args:    takes("PROVIDER", "[NAME]"), ValidArgsFunction: h.completeProviders(1),
	}
	account := cmd.Flags().String("account", "", "the account the key belongs to; keys of one account share its limits")
	secretFlags(cmd, "the key")
	cmd.RunE = h.run(func(s *session, args []string) error {
		provider, name := args[0], "main"
		if strings.Contains(args[0], "/") || len(args) > 1 {
			var err error
			if provider, name, err = keyName(args); err != nil {
				return err
			}
		}
		text, err := s.secret("the API key of "+clean(provider), false)
		if err != nil {
			return err
		}
		return s.addKey(newKey{Provider: provider, Name: name, Account: *account, Secret: text})
	})
	return cmd
}

func (s *session) addKey(in newKey) error {
	a, err := s.api()
	if err != nil {
		return err
	}
	fresh := s.withoutVault(a)
	data, err := a.send(s.ctx, http.MethodPost, "/api/keys", in)
	if err != nil {
		return err
	}
	if fresh {
		s.promise()
	}
	return s.changed(data, "key %s/%s is stored in the vault and in use; `aimux keys test %s/%s` tries it", clean(in.Provider), clean(in.Name), clean(in.Provider), clean(in.Name))
}

func (h *Host) keysRotate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rotate KEY", Short: "Replaces the secret of a key",
		Long:    "Replaces the secret of a key, at once; its name, account and figures stay. A key that was kept in the environment or a file moves to the vault.",
		Example: examples("aimux keys rotate zai main", "aimux keys rotate zai/main --stdin < new-key.txt"), Args: takes("PROVIDER", "[NAME]"), ValidArgsFunction: h.completeKeys,
	}
	secretFlags(cmd, "the new key")
	cmd.RunE = h.run(func(s *session, args []string) error {
		provider, name, err := keyName(args)
		if err != nil {
			return err
		}
		text, err := s.secret("the new API key of "+clean(provider), false)
		if err != nil {
			return err
		}
		return s.putKey(provider, name, map[string]any{"secret": text}, "key %s/%s is replaced")
	})
	return cmd
}

// putKey changes a key. The sentence has its provider and name.
func (s *session) putKey(provider, name string, change map[string]any, sentence string) error {
	a, err := s.api()
	if err != nil {
		return err
	}
	data, err := a.send(s.ctx, http.MethodPut, pathOf("api", "keys", provider, name), change)
	if err != nil {
		return err
	}
	return s.changed(data, sentence, clean(provider), clean(name))
}

func (h *Host) keysToggle(verb string, on bool) *cobra.Command {
	what := map[bool]string{true: "on", false: "off"}[on]
	return &cobra.Command{
		Use: verb + " KEY", Short: "Switches a key " + what, Long: "Switches a key " + what + ", at once and for good. Its secret stays where it is.",
		Example: examples("aimux keys "+verb+" zai spare", "aimux keys "+verb+" zai/spare --json"), Args: takes("PROVIDER", "[NAME]"), ValidArgsFunction: h.completeKeys,
		RunE: h.run(func(s *session, args []string) error {
			provider, name, err := keyName(args)
			if err != nil {
				return err
			}
			return s.putKey(provider, name, map[string]any{"enabled": on}, "key %s/%s is switched "+what)
		}),
	}
}

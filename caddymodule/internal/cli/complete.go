package cli

import (
	"context"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
)

// completeWithin bounds how long a shell waits for names.
const completeWithin = 2 * time.Second

type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// ask returns what a shell may offer, from an answer of the API. Without one it
// offers nothing.
func (h *Host) ask(cmd *cobra.Command, path, member string, v any) bool {
	ctx, cancel := context.WithTimeout(context.Background(), completeWithin)
	defer cancel()
	s := &session{host: h, cmd: cmd, ctx: ctx}
	way, _, err := h.connect(ctx, target{admin: s.text("admin"), config: s.text("config")})
	if err != nil {
		return false
	}
	defer way.Close()
	a := &api{way: way}
	data, err := a.list(ctx, path, member, nil, 0)
	return err == nil && decode(data, v) == nil
}

// completeProviders offers ids of providers for the first n arguments; -1 is
// for all.
func (h *Host) completeProviders(n int) completion {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		var got struct{ Providers []console.Provider }
		if n >= 0 && len(args) >= n || !h.ask(cmd, "/api/providers", "providers", &got) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var ids []string
		for _, p := range got.Providers {
			ids = append(ids, p.ID+"\t"+p.Title)
		}
		return beginning(ids, begun), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeKeys offers keys as PROVIDER/NAME, and names after a provider.
func (h *Host) completeKeys(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var got struct{ Keys []console.Key }
	if len(args) > 1 || !h.ask(cmd, "/api/keys", "keys", &got) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, k := range got.Keys {
		switch {
		case len(args) == 0:
			names = append(names, k.Provider+"/"+k.Name)
		case k.Provider == args[0]:
			names = append(names, k.Name)
		}
	}
	return beginning(names, begun), cobra.ShellCompDirectiveNoFileComp
}

// completeClients offers names of clients.
func (h *Host) completeClients(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var got struct{ Clients []console.Client }
	if len(args) > 0 || !h.ask(cmd, "/api/clients", "clients", &got) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, c := range got.Clients {
		names = append(names, c.Name+"\t"+c.ID)
	}
	return beginning(names, begun), cobra.ShellCompDirectiveNoFileComp
}

// completeKinds offers the kinds of provider aimux knows.
func (h *Host) completeKinds(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var got struct{ Kinds []console.Kind }
	if len(args) > 0 || !h.ask(cmd, "/api/catalogue", "kinds", &got) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, k := range got.Kinds {
		names = append(names, k.Kind+"\t"+k.Title)
	}
	return beginning(names, begun), cobra.ShellCompDirectiveNoFileComp
}

func beginning(words []string, begun string) []string {
	var out []string
	for _, w := range words {
		if strings.HasPrefix(w, begun) {
			out = append(out, w)
		}
	}
	return out
}

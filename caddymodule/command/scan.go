package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	"github.com/aimux/aimux/caddymodule/internal/legacy"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/spf13/cobra"
)

// scanCommand is `aimux scan`.
func (h *Host) scanCommand(cmd *cobra.Command) {
	var imports, yes, asJSON bool
	cmd.Use = "scan DIR"
	cmd.Short = "Finds provider keys in the JSON, TOML, YAML and environment files of a directory"
	cmd.Long = "Shows what looks like a key, masked, with its place and whose it seems to be. With --import each is put into the vault and into use, " +
		"after you agreed. Links are not followed, and nothing that is read is changed."
	cmd.Example = "  aimux scan ~/projects\n  aimux scan . --import\n  aimux scan /srv/old --import --yes --json"
	cmd.Args, cmd.SilenceUsage = cobra.ExactArgs(1), true
	cmd.Flags().BoolVar(&imports, "import", false, "put the keys found into the vault and into use")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "with --import: do not ask")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		found, err := legacy.Scan(args[0])
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if asJSON {
			err = PrintJSON(out, found)
		} else {
			printFindings(out, found)
		}
		if err != nil || !imports {
			return err
		}
		keys := found.Keys(legacy.Options{Known: provider.Known()}, func(f legacy.Finding) bool {
			return yes || Consent(os.Stdin, os.Stderr, fmt.Sprintf("%s:%d %s of %s: use it?", f.File, f.Line, f.Masked, f.Vendor)) == nil
		})
		return h.putToUse(cmd.Context(), out, keys)
	}
}

func printFindings(w io.Writer, found *legacy.Scanned) {
	for _, f := range found.Findings {
		fmt.Fprintf(w, "%s:%d  %s  %s  %s\n", f.File, f.Line, cmp.Or(f.Name, "-"), cmp.Or(f.Vendor, "provider unknown"), f.Masked)
	}
	for _, e := range found.Refused {
		fmt.Fprintln(w, e)
	}
	fmt.Fprintf(w, "%d files read, %d keys found\n", found.Files, len(found.Findings))
}

// putToUse adds keys to their providers by the API: of the server that runs, or
// over the files.
func (h *Host) putToUse(ctx context.Context, w io.Writer, keys []legacy.Key) error {
	api, end, err := h.apiHere(ctx)
	if err != nil {
		return err
	}
	var all error
	for _, k := range keys {
		if err := addKey(ctx, api, k); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", k, err))
			continue
		}
		fmt.Fprintln(w, "in use:", k)
	}
	return errors.Join(all, end())
}

// addKey adds a key, and the provider if there is none of that name.
func addKey(ctx context.Context, api launch.API, k legacy.Key) error {
	type secretRow struct {
		Provider string `json:"provider,omitempty"`
		Name     string `json:"name"`
		Secret   string `json:"secret"`
	}
	row := secretRow{k.Provider, k.Name, k.Secret.Reveal()}
	var list struct {
		Providers []struct {
			ID   string `json:"id"`
			Keys []struct {
				Name string `json:"name"`
			} `json:"keys"`
		} `json:"providers"`
	}
	if err := api.Call(ctx, http.MethodGet, "/api/providers?limit=500", nil, &list); err != nil {
		return err
	}
	for _, p := range list.Providers {
		if p.ID != k.Provider {
			continue
		}
		taken := map[string]bool{}
		for _, have := range p.Keys {
			taken[have.Name] = true
		}
		for n := 2; taken[row.Name]; n++ {
			row.Name = fmt.Sprintf("%s-%d", k.Name, n)
		}
		return api.Call(ctx, http.MethodPost, "/api/keys", row, nil)
	}
	row.Provider = ""
	return api.Call(ctx, http.MethodPost, "/api/providers", map[string]any{"id": k.Provider, "kind": k.Provider, "keys": []secretRow{row}}, nil)
}

// apiHere is the API of the server that runs, or else over the files.
func (h *Host) apiHere(ctx context.Context) (launch.API, func() error, error) {
	if (adminAPI{}).running() {
		return adminAPI{}, func() error { return nil }, nil
	}
	at, err := Find(Present(""))
	if err != nil {
		return nil, nil, err
	}
	way, err := h.Open(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	return filesAPI{way}, way.Close, nil
}

// filesAPI reaches the API in this process.
type filesAPI struct{ way http.RoundTripper }

// Call asks.
func (a filesAPI) Call(ctx context.Context, method, path string, in, out any) error {
	r, err := apiRequest(ctx, method, "http://aimux"+path, in)
	if err != nil {
		return err
	}
	answer, err := a.way.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 400 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
		return fmt.Errorf("the API answers %d: %s", answer.StatusCode, strings.TrimSpace(string(text)))
	}
	return readAnswer(answer.Body, out)
}

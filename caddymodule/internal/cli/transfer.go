package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/schema"
	"github.com/spf13/cobra"
)

func (h *Host) vaultExport() *cobra.Command {
	cmd := &cobra.Command{
		Use: "export --to FILE", Short: "Writes all keys into an encrypted file",
		Long: "Writes every key with its secret into a file in the format of age, for another machine. It is sealed with a passphrase, which is asked for or read with --stdin or --file, " +
			"or for the owners of the recipients. The file must not be there yet.",
		Example: examples("aimux vault export --to keys.age", "aimux vault export --to keys.age --recipient age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq"), Args: takes(),
	}
	to := cmd.Flags().String("to", "", "the file to write")
	recipients := cmd.Flags().StringSlice("recipient", nil, "an age recipient, age1…; may be given many times")
	secretFlags(cmd, "the passphrase")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		if *to == "" {
			return usagef("name the file to write with --to")
		}
		seal := vault.Seal{Recipients: *recipients}
		if len(seal.Recipients) == 0 {
			text, err := s.secret("a passphrase for the export", true)
			if err != nil {
				return err
			}
			seal.Passphrase = secret.New(text)
		}
		return s.opened("vault.export", func(_ *Files, v *vault.Vault) error { return s.export(v, *to, seal) })
	})
	return cmd
}

func (s *session) export(v *vault.Vault, path string, seal vault.Seal) (err error) {
	n := 0
	err = newFile(path, func(file *os.File) error {
		n, err = v.Export(file, seal)
		return err
	})
	if err != nil {
		return err
	}
	if s.json() {
		data, err := json.Marshal(map[string]any{"file": path, "keys": n})
		return errors.Join(err, s.printJSON(data))
	}
	_, err = fmt.Fprintf(s.out, "%s, encrypted, in %s\n", plural(n, "key"), path)
	return err
}

// newFile writes a file that must not be there, for this user alone, and takes
// it away again if that fails.
func newFile(path string, write func(*os.File) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(write(file), file.Sync(), file.Close())
	if err != nil {
		_ = os.Remove(path)
	}
	return one(err)
}

func (h *Host) vaultImport() *cobra.Command {
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Takes the keys of an export into the vault",
		Long: "Stores the keys of an export, all of them or none. The passphrase is asked for, or read with --stdin or --file; --identity names a file with age identities instead. " +
			"What refers to the keys, rows of `keys` with vault:ID, belongs to the configuration and is not part of an export.",
		Example: examples("aimux vault import keys.age", "aimux vault import keys.age --identity key.txt --on-conflict skip"), Args: takes("FILE"),
	}
	identity := cmd.Flags().String("identity", "", "a file of age identities, AGE-SECRET-KEY-1…, one a line")
	conflict := cmd.Flags().String("on-conflict", "refuse", "what to do with a key that is there already: refuse, skip or replace")
	secretFlags(cmd, "the passphrase")
	cmd.RunE = h.run(func(s *session, args []string) error {
		how, ok := map[string]vault.OnConflict{"refuse": vault.Refuse, "skip": vault.Skip, "replace": vault.Replace}[*conflict]
		if !ok {
			return usagef("--on-conflict takes refuse, skip or replace")
		}
		with, err := s.unseal(*identity)
		if err != nil {
			return err
		}
		return s.opened("vault.import", func(_ *Files, v *vault.Vault) error { return s.imports(v, args[0], with, how) })
	})
	return cmd
}

// unseal reads what opens an export.
func (s *session) unseal(identity string) (vault.Unseal, error) {
	if identity == "" {
		text, err := s.secret("the passphrase of the export", false)
		return vault.Unseal{Passphrase: secret.New(text)}, err
	}
	data, err := schema.ReadSecretFile(identity)
	if err != nil {
		return vault.Unseal{}, fmt.Errorf("reading the identities: %w", err)
	}
	var with vault.Unseal
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			with.Identities = append(with.Identities, secret.New(line))
		}
	}
	return with, nil
}

func (s *session) imports(v *vault.Vault, path string, with vault.Unseal, how vault.OnConflict) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	done, err := v.Import(s.ctx, file, with, how)
	if err != nil {
		return err
	}
	if s.json() {
		data, err := json.Marshal(done)
		return errors.Join(err, s.printJSON(data))
	}
	_, err = fmt.Fprintf(s.out, "added %d, replaced %d, skipped %d\n", len(done.Added), len(done.Replaced), len(done.Skipped))
	return err
}

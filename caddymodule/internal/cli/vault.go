package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/spf13/cobra"
)

// vault is `aimux vault …`.
func (h *Host) vault(cmd *cobra.Command) {
	cmd.Use = "vault <command>"
	cmd.Short = "Makes, examines, re-seals, exports and imports the vault of keys"
	cmd.Long = "Works on the file that the keys of providers are sealed in, directly; a server that runs takes up what changed within seconds. Where the vault is, and what opens it, " +
		"the configuration says (vault.file, vault.key)."
	cmd.Example = examples("aimux vault status", "aimux vault rotate --kek", "aimux vault export --to keys.age")
	h.flags(cmd)
	group(cmd, h.vaultInit(), h.vaultStatus(), h.vaultRotate(), h.vaultExport(), h.vaultImport())
}

// files opens the files for a command that changes something, and writes into
// the audit log what it is about to do.
func (s *session) files(action, target string, f func(*Files) error) (err error) {
	files, err := s.host.Files(s.ctx, s.text("config"))
	if err != nil {
		return err
	}
	defer func() {
		if end := files.Close(); err == nil {
			err = end
		}
	}()
	if action != "" {
		if err := files.Record(s.ctx, action, target); err != nil {
			return fmt.Errorf("the audit log cannot be written, so nothing was done: %w", err)
		}
	}
	return f(files)
}

// opened is files with the vault open.
func (s *session) opened(action string, f func(*Files, *vault.Vault) error) error {
	return s.files("", "", func(files *Files) error {
		v, err := vault.Open(s.ctx, files.Vault)
		if err != nil {
			return err
		}
		if action != "" {
			if err := files.Record(s.ctx, action, files.Vault.Path); err != nil {
				return fmt.Errorf("the audit log cannot be written, so nothing was done: %w", err)
			}
		}
		return f(files, v)
	})
}

func (h *Host) vaultInit() *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "Makes a new, empty vault",
		Long:    "Makes a vault, and the key that opens it unless that is there already. It never replaces a vault. The first `aimux keys add` does the same by itself.",
		Example: examples("aimux vault init", "aimux vault init --config /etc/aimux/aimux.toon"), Args: takes(),
		RunE: h.run(func(s *session, _ []string) error {
			return s.files("vault.init", "", func(files *Files) error {
				v, err := vault.Init(s.ctx, files.Vault)
				if err != nil {
					return err
				}
				s.say("%s", strings.TrimSuffix(v.Promise(), "\n"))
				return s.vaultStatus(v)
			})
		}),
	}
}

func (h *Host) vaultStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Shows the vault: where it is, what opens it, what should be better",
		Long:    "Opens the vault and shows what may be shown of it. Ends with 1 if it cannot be opened, and says why.",
		Example: examples("aimux vault status", "aimux vault status --json"), Args: takes(),
		RunE: h.run(func(s *session, _ []string) error {
			return s.opened("", func(_ *Files, v *vault.Vault) error { return s.vaultStatus(v) })
		}),
	}
}

func (s *session) vaultStatus(v *vault.Vault) error {
	st := v.Status()
	if s.json() {
		data, err := json.Marshal(st)
		if err != nil {
			return err
		}
		return s.printJSON(data)
	}
	s.line("vault", "%s, made %s, written %s times", st.Path, st.Created.UTC().Format(time.DateOnly), number(int64(st.Generation)))
	s.line("opened by", "%s", strings.TrimSpace(st.KeySource+" "+st.KeyWhere))
	if st.Argon2 != "" {
		s.line("passphrase", "%s", st.Argon2)
	}
	s.line("keys", "%d, of which %d are disabled", st.Keys, st.Disabled)
	s.line("data key", "%s old, has sealed %s texts", span(time.Duration(st.DEKAge)), number(int64(st.Seals)))
	for _, w := range st.Warnings {
		s.line("warning", "%s", s.paint(Yellow, clean(w)))
	}
	return nil
}

func (h *Host) vaultRotate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rotate", Short: "Seals all keys anew with a fresh data key, or changes the key that opens the vault",
		Long: "Without --kek every secret is sealed anew with a fresh data key. With --kek the key that opens the vault is replaced: by a fresh one in the same key file, or with --to by another source, " +
			"which you then write into the configuration as vault.key. After a theft of vault and key do both, and replace the providers' keys too.",
		Example: examples("aimux vault rotate", "aimux vault rotate --kek", "aimux vault rotate --kek --to file:/etc/aimux/vault.key"), Args: takes(),
	}
	kek := cmd.Flags().Bool("kek", false, "replace the key that opens the vault")
	to := cmd.Flags().String("to", "", "the new source of that key, as vault.key spells it: file:PATH, passphrase:PATH, credential:NAME")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		if *to != "" && !*kek {
			return usagef("--to belongs to --kek")
		}
		action := map[bool]string{false: "vault.rotate", true: "vault.rotate_kek"}[*kek]
		return s.opened(action, func(files *Files, v *vault.Vault) error {
			if !*kek {
				if err := v.RotateDEK(s.ctx); err != nil {
					return err
				}
				return s.vaultDone(v, "every key is sealed anew")
			}
			return s.rotateKEK(files, v, *to)
		})
	})
	return cmd
}

func (s *session) rotateKEK(files *Files, v *vault.Vault, to string) error {
	source := files.Vault.Key
	if to != "" {
		var err error
		if source, err = files.KeySource(to); err != nil {
			return usagef("--to: %w", err)
		}
	}
	if err := v.RotateKEK(s.ctx, source); err != nil {
		return err
	}
	if to != "" {
		s.say("write `key: \"%s\"` into the vault section of your configuration: with the key before, the vault does not open any more", clean(to))
	}
	return s.vaultDone(v, "the vault has a new key; keep a copy of it apart from the vault")
}

// vaultDone ends a command that changed the vault.
func (s *session) vaultDone(v *vault.Vault, sentence string) error {
	if s.json() {
		return s.vaultStatus(v)
	}
	_, err := fmt.Fprintln(s.out, sentence)
	return err
}

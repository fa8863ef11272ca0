package place

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
)

// Vault is where the keys are kept.
func Vault(c *schema.Config) string { return cmp.Or(c.Vault.File, File("vault.json")) }

// VaultKey is where the vault's key is kept unless the configuration says
// otherwise: apart from the data, so that a copy of the data opens nothing.
func VaultKey() string {
	return filepath.Join(filepath.Dir(caddy.AppConfigDir()), "aimux-vault", "vault.key")
}

// VaultOptions says where the vault is and what opens it.
func VaultOptions(c *schema.Config) (vault.Options, error) {
	source, err := KeySource(c.Vault.Key)
	return vault.Options{Path: Vault(c), Key: source, Apart: []string{filepath.Dir(Vault(c))}}, err
}

// KeySource reads vault.key of the configuration.
func KeySource(text string) (vault.KeySource, error) {
	kind, value, _ := strings.Cut(text, ":")
	none := vault.KeySource{Credential: "-", Variable: "-"}
	switch kind {
	case "auto", "":
		return vault.KeySource{KeyFile: VaultKey()}, nil
	case "credential":
		none.Credential = value
	case "file":
		none.KeyFile = value
	case "passphrase":
		none.Passphrase = func(context.Context) (secret.Text, error) {
			data, err := schema.ReadSecretFile(value)
			return secret.New(strings.TrimSpace(string(data))), err
		}
	case "command":
		none.Command = strings.Fields(value)
	case "env":
		none.Variable = value
	default:
		return none, fmt.Errorf("vault.key: %q is none of auto, credential, file, passphrase, command, env", kind)
	}
	return none, nil
}

// OpenVault opens a vault, or makes it if there is none.
func OpenVault(ctx context.Context, options vault.Options) (*vault.Vault, error) {
	for _, path := range []string{options.Path, options.Key.KeyFile} {
		if path == "" {
			continue
		}
		if err := MakeParent(path); err != nil {
			return nil, err
		}
	}
	if Exists(options.Path) {
		return vault.Open(ctx, options)
	}
	return vault.Init(ctx, options)
}

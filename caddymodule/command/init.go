package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// firstSteps is `aimux init`: what it was told, and whom it may ask.
type firstSteps struct {
	host                    *Host
	dir, keyFile            string
	kinds                   []string
	keyStdin, vault, asJSON bool

	say     io.Writer
	lookup  func(string) (string, bool)
	answers func(prompt string) (string, error)               // nil: there is nobody to ask
	hidden  func(prompt string) (string, error)               // the same for keys
	find    func(program string) (path string, missing error) // a client
	stdin   io.Reader
}

// initCommand is `aimux init`.
func (h *Host) initCommand(cmd *cobra.Command) {
	f := &firstSteps{host: h, lookup: os.LookupEnv, find: exec.LookPath}
	cmd.Use = "init [--provider KIND [--key-stdin]]"
	cmd.Short = "First steps: finds your provider keys, writes aimux.toon, says what to type next"
	cmd.Long = "Looks for provider keys in the environment and for clients on this machine, asks for what is missing, and writes aimux.toon and a Caddyfile " +
		"into ~/.config/aimux. A configuration that is there is never overwritten. Keys that are typed, piped or read from a file go into aimux's " +
		"encrypted vault; those of the environment stay there unless you want them in the vault too (--vault)."
	cmd.Example = "  aimux init\n  aimux init --provider zai-coding --key-stdin < key.txt\n  aimux init --dir . --provider cerebras --provider minimax"
	cmd.Args, cmd.SilenceUsage = cobra.NoArgs, true
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", "", "where to write (default: ~/.config/aimux)")
	flags.StringArrayVar(&f.kinds, "provider", nil, "a provider to use; may be repeated (default: all whose key is in the environment)")
	flags.BoolVar(&f.keyStdin, "key-stdin", false, "read the provider's key from the standard input")
	flags.StringVar(&f.keyFile, "key-file", "", "read the provider's key from a file")
	flags.BoolVar(&f.vault, "vault", false, "put keys of the environment into the vault too")
	flags.BoolVar(&f.asJSON, "json", false, "print what was written as JSON")
	cmd.MarkFlagsMutuallyExclusive("key-stdin", "key-file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f.say, f.stdin = cmd.OutOrStdout(), cmd.InOrStdin()
		if f.asJSON {
			f.say = io.Discard
		}
		f.terminal(os.Stdin, os.Stderr)
		made, err := f.run(cmd.Context())
		if err == nil && f.asJSON {
			err = PrintJSON(cmd.OutOrStdout(), made)
		}
		return err
	}
}

// terminal asks there, if somebody sits at it and the flags leave questions.
func (f *firstSteps) terminal(in *os.File, out io.Writer) {
	if !term.IsTerminal(int(in.Fd())) || f.keyStdin || f.keyFile != "" || f.asJSON {
		return
	}
	lines := bufio.NewReader(in)
	f.answers = func(prompt string) (string, error) {
		fmt.Fprint(out, prompt)
		text, err := lines.ReadString('\n')
		return strings.TrimSpace(text), err
	}
	f.hidden = func(prompt string) (string, error) {
		fmt.Fprint(out, prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(out)
		return strings.TrimSpace(string(text)), err
	}
}

// chosen is a provider to be used, with its keys.
type chosen struct {
	vendor *provider.Vendor
	envs   []string    // variables that hold keys
	key    secret.Text // given
	ids    []string    // of its keys in the vault
}

// firstMade is what was written.
type firstMade struct {
	Config    string   `json:"config"`
	Caddyfile string   `json:"caddyfile"`
	Providers []string `json:"providers"`
	Stored    []string `json:"stored"` // ids in the vault
	Clients   []string `json:"clients"`
	Next      []string `json:"next"`
}

// run does it all. Nothing is written before everything is known.
func (f *firstSteps) run(ctx context.Context) (*firstMade, error) {
	dir, err := f.place()
	if err != nil {
		return nil, err
	}
	picks, err := f.pick()
	if err != nil {
		return nil, err
	}
	if err := f.wantVault(picks); err != nil {
		return nil, err
	}
	keys := &vaultWriter{host: f.host, ctx: ctx, say: f.say}
	made := &firstMade{Config: filepath.Join(dir, "aimux.toon"), Stored: []string{}, Clients: f.clients()}
	if err := f.store(keys, picks); err != nil {
		return nil, errors.Join(err, keys.takeBack())
	}
	made.Stored = append(made.Stored, keys.ids...)
	document, err := firstDocument(picks)
	if err == nil {
		err = writeNew(made.Config, document)
	}
	if err != nil {
		return nil, errors.Join(err, keys.takeBack())
	}
	fmt.Fprintln(f.say, "wrote", made.Config)
	made.Caddyfile, err = writeCaddyfile(dir, f.say)
	for _, p := range picks {
		made.Providers = append(made.Providers, p.vendor.Kind)
	}
	made.Next = nextSteps(made)
	fmt.Fprintf(f.say, "\nNext:\n  %s\n", strings.Join(made.Next, "\n  "))
	return made, err
}

// place is the directory to write into, in which there must be no configuration.
func (f *firstSteps) place() (string, error) {
	dir, err := f.dir, error(nil)
	if dir == "" {
		dir, err = place.UserDir()
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", err
	}
	if have := place.FindConfig(dir); have != "" {
		return "", fmt.Errorf("%s is already there; add providers in the console or with `aimux providers add`, or choose another --dir", have)
	}
	return dir, nil
}

// pick finds the providers to use.
func (f *firstSteps) pick() ([]*chosen, error) {
	if len(f.kinds) > 0 {
		return f.named()
	}
	if f.keyStdin || f.keyFile != "" {
		return nil, errors.New("say whose key it is with --provider")
	}
	var out []*chosen
	for _, v := range provider.Catalogue().Vendors() {
		envs := f.variables(v)
		if len(envs) == 0 || !provider.Known().Kinds[v.Kind].Discover {
			continue
		}
		fmt.Fprintf(f.say, "found %s: %s\n", v.Title, strings.Join(envs, ", "))
		out = append(out, &chosen{vendor: v, envs: envs})
	}
	if len(out) > 0 {
		return out, nil
	}
	if f.answers == nil {
		return nil, errors.New("no provider key is in the environment; name a provider with --provider and give its key with --key-stdin or --key-file. " +
			"Without any, `aimux run` answers with the built-in simulator")
	}
	return f.asked()
}

// named are the providers of the flags.
func (f *firstSteps) named() ([]*chosen, error) {
	var out []*chosen
	for _, kind := range f.kinds {
		v, ok := provider.Catalogue().Vendor(kind)
		if !ok || v.NeedsURL {
			return nil, fmt.Errorf("--provider %q: one of %s", kind, strings.Join(kindNames(), ", "))
		}
		if slices.ContainsFunc(out, func(c *chosen) bool { return c.vendor == v }) {
			continue
		}
		c := &chosen{vendor: v, envs: f.variables(v)}
		if err := f.keyFor(c, len(f.kinds)); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// keyFor reads the key of a provider from where the flags say, or asks.
func (f *firstSteps) keyFor(c *chosen, providers int) (err error) {
	var data []byte
	switch {
	case (f.keyStdin || f.keyFile != "") && providers > 1:
		return errors.New("one key cannot be of several providers: run init with one --provider and add the others later")
	case f.keyStdin:
		data, err = io.ReadAll(io.LimitReader(f.stdin, 64<<10))
	case f.keyFile != "":
		data, err = schema.ReadSecretFile(f.keyFile)
	case len(c.envs) > 0 || c.vendor.KeyOptional:
		return nil
	case f.hidden == nil:
		return fmt.Errorf("no key for %s: give it with --key-stdin or --key-file, or set %s", c.vendor.Title, strings.Join(c.vendor.Env[:min(1, len(c.vendor.Env))], ""))
	default:
		var text string
		text, err = f.hidden("Key of " + c.vendor.Title + " (not shown): ")
		data = []byte(text)
	}
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(data))
	if len(text) < 8 || strings.ContainsAny(text, " \t\r\n") {
		return fmt.Errorf("that is no key of %s: a key has at least 8 characters and no spaces", c.vendor.Title)
	}
	c.key, c.envs = secret.New(text), nil
	return nil
}

// asked are the providers somebody names at the terminal.
func (f *firstSteps) asked() ([]*chosen, error) {
	fmt.Fprintf(f.say, "No provider key is in the environment. Providers: %s\n", strings.Join(kindNames(), ", "))
	for range 3 {
		kind, err := f.answers("Which one do you have a key for? ")
		if err != nil {
			return nil, err
		}
		f.kinds = []string{kind}
		out, err := f.named()
		if err == nil {
			return out, nil
		}
		fmt.Fprintln(f.say, err)
	}
	return nil, errors.New("no provider was chosen")
}

func kindNames() []string {
	var out []string
	for _, v := range provider.Catalogue().Vendors() {
		if !v.NeedsURL && v.Kind != schema.SimulatorKind {
			out = append(out, v.Kind)
		}
	}
	return out
}

// variables are those that hold keys of a vendor, numbered ones too.
func (f *firstSteps) variables(v *provider.Vendor) []string {
	var out []string
	for _, name := range v.Env {
		for n := range 32 {
			numbered := name
			if n > 0 {
				numbered = fmt.Sprintf("%s_%d", name, n+1)
			}
			if text, ok := f.lookup(numbered); ok && strings.TrimSpace(text) != "" {
				out = append(out, numbered)
			} else if n > 0 {
				break
			}
		}
	}
	return out
}

// wantVault asks whether keys of the environment should go into the vault.
func (f *firstSteps) wantVault(picks []*chosen) error {
	if f.vault || f.answers == nil || !slices.ContainsFunc(picks, func(c *chosen) bool { return len(c.envs) > 0 }) {
		return nil
	}
	answer, err := f.answers("Put these keys into aimux's encrypted vault, so that they need not be in the environment? [Y/n] ")
	f.vault = err == nil && !strings.HasPrefix(strings.ToLower(answer), "n")
	return err
}

// store puts keys into the vault.
func (f *firstSteps) store(keys *vaultWriter, picks []*chosen) error {
	for _, c := range picks {
		secrets := []secret.Text{c.key}
		if c.key.Empty() {
			secrets = nil
		}
		for _, env := range c.envs {
			text, _ := f.lookup(env)
			secrets = append(secrets, secret.New(strings.TrimSpace(text)))
		}
		if c.key.Empty() && !f.vault {
			continue
		}
		for i, text := range secrets {
			id, err := keys.add(c.vendor.Kind+"-"+numberedName(i), c.vendor.Origin(), text)
			if err != nil {
				return err
			}
			c.ids = append(c.ids, id)
		}
		c.envs = nil
	}
	return nil
}

// numberedName names the keys of a provider: main, key-2, key-3.
func numberedName(i int) string {
	if i == 0 {
		return "main"
	}
	return fmt.Sprintf("key-%d", i+1)
}

// clients are the programs found on this machine.
func (f *firstSteps) clients() []string {
	out := []string{}
	for _, program := range []string{"claude", "codex", "opencode", "aider"} {
		if _, err := f.find(program); err == nil {
			out = append(out, program)
		}
	}
	if len(out) > 0 {
		fmt.Fprintln(f.say, "clients on this machine:", strings.Join(out, ", "))
	}
	return out
}

// nextSteps are the two commands to type.
func nextSteps(made *firstMade) []string {
	for _, c := range []launch.Client{launch.Claude, launch.Codex} {
		if slices.Contains(made.Clients, string(c)) {
			return []string{"aimux " + string(c), "aimux setup " + map[launch.Client]string{launch.Claude: "claude-code", launch.Codex: "codex"}[c] + " --write"}
		}
	}
	return []string{"aimux run --config " + made.Caddyfile, "aimux env openai"}
}

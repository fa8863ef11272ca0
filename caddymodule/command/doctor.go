package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	goruntime "runtime"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
)

// examination is what `aimux doctor` looks at, and what it found.
type examination struct {
	cli.Diagnosis
	host     *Host
	at       *Installation
	config   *schema.Config // nil: it cannot be read
	findings []cli.Finding
}

func (x *examination) ok(check, format string, args ...any) {
	x.findings = append(x.findings, cli.Finding{Check: check, Level: "ok", Text: fmt.Sprintf(format, args...)})
}

func (x *examination) warn(check, text, mend string) {
	x.findings = append(x.findings, cli.Finding{Check: check, Level: "warn", Text: text, Mend: mend})
}

func (x *examination) fail(check, text, mend string) {
	x.findings = append(x.findings, cli.Finding{Check: check, Level: "fail", Text: text, Mend: mend})
}

// Diagnose examines this machine's installation.
func (h *Host) Diagnose(ctx context.Context, d cli.Diagnosis) []cli.Finding {
	quiet()
	x := &examination{Diagnosis: d, host: h}
	x.server()
	x.configuration()
	if x.config != nil {
		x.secrets()
		x.vault(ctx)
		x.listeners()
	}
	x.dataDir()
	x.modes()
	x.clock(time.Now())
	x.accessLog()
	if x.config != nil && x.Online {
		x.reach(ctx)
	}
	return x.findings
}

func (x *examination) server() {
	if x.Running == "" {
		x.warn("server", "no server answers at the admin endpoint", "aimux run serves in the foreground; --admin or $AIMUX_ADMIN name another endpoint")
		return
	}
	x.ok("server", "%s answers", x.Running)
}

// configuration loads the configuration as a server would.
func (x *examination) configuration() {
	at, err := Find(x.Config)
	if err != nil {
		x.fail("configuration", err.Error(), "aimux config check says where")
		return
	}
	x.at = at
	result, err := at.Load()
	if err != nil {
		x.fail("configuration", err.Error(), "mend what is said above, then `aimux config check`")
		return
	}
	x.config = result.Config
	for _, w := range result.Warnings {
		x.warn("configuration", w.String(), "")
	}
	if len(result.Warnings) == 0 {
		x.ok("configuration", "%s is in order", at.Name())
	}
	if result.Config.Implicit && len(result.EnvUsed) == 0 {
		x.warn("configuration", "no provider is configured, and no provider's key is in the environment: the simulator would answer", "aimux providers add ID")
	}
}

// secrets checks that what the configuration refers to is there.
func (x *examination) secrets() {
	missing, good := 0, 0
	for _, k := range x.config.Keys {
		if !k.On() || k.Secret.Scheme == "vault" {
			continue
		}
		if err := k.Secret.Check(os.LookupEnv); err != nil {
			missing++
			x.fail("secrets", fmt.Sprintf("key %s/%s: %s: %v", k.Provider, k.Name, k.Secret, err), fmt.Sprintf("provide it, or move it to the vault: aimux keys rotate %s %s", k.Provider, k.Name))
			continue
		}
		good++
		x.secretMode(k.Secret)
	}
	if missing == 0 {
		x.ok("secrets", "%d outside the vault, all there", good)
	}
}

// secretMode warns of a file of a secret that others can read.
func (x *examination) secretMode(ref schema.SecretRef) {
	if ref.Scheme != "file" || goruntime.GOOS == "windows" {
		return
	}
	if info, err := os.Stat(ref.Name); err == nil && info.Mode().Perm()&0o077 != 0 {
		x.warn("secrets", fmt.Sprintf("%s has mode %04o: others can read the key in it", ref.Name, info.Mode().Perm()), "chmod 600 "+ref.Name)
	}
}

// vault opens the vault and checks that what the configuration wants of it is
// there.
func (x *examination) vault(ctx context.Context) {
	options, err := place.VaultOptions(x.config)
	if err != nil {
		x.fail("vault", err.Error(), "")
		return
	}
	v, err := vault.Open(ctx, options)
	if errors.Is(err, vault.ErrMissing) {
		if x.config.Refers("vault") {
			x.fail("vault", "the configuration refers to the vault, but there is none at "+options.Path, "restore it from a backup, or add the keys again: aimux keys add")
		} else {
			x.ok("vault", "there is none, and nothing refers to it")
		}
		return
	}
	if err != nil {
		x.fail("vault", err.Error(), "")
		return
	}
	st := v.Status()
	for _, w := range st.Warnings {
		x.warn("vault", w, "")
	}
	lost := 0
	for _, k := range x.config.Keys {
		if !k.On() || k.Secret.Scheme != "vault" {
			continue
		}
		if _, err := v.Info(k.Secret.Name); err != nil {
			lost++
			x.fail("vault", fmt.Sprintf("key %s/%s is not in it: %v", k.Provider, k.Name, err), fmt.Sprintf("aimux keys rotate %s %s", k.Provider, k.Name))
		}
	}
	if lost+len(st.Warnings) == 0 {
		x.ok("vault", "%s opens with the %s; %d keys", st.Path, st.KeySource, st.Keys)
	}
}

// dataDir checks that what aimux keeps can be written.
func (x *examination) dataDir() {
	dir := filepath.Dir(place.Overrides())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		x.fail("data", fmt.Sprintf("%s cannot be made: %v", dir, err), "give this user the directory, or set XDG_DATA_HOME")
		return
	}
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		x.fail("data", fmt.Sprintf("%s cannot be written: %v", dir, err), "give this user the directory, or set XDG_DATA_HOME")
		return
	}
	_, werr := probe.Write(make([]byte, 64<<10))
	err = errors.Join(werr, probe.Sync(), probe.Close(), os.Remove(probe.Name()))
	if err != nil {
		x.fail("data", fmt.Sprintf("%s: writing failed: %v", dir, err), "make room on the disk")
		return
	}
	x.ok("data", "%s can be written", dir)
}

// modes checks that what is secret is its owner's alone.
func (x *examination) modes() {
	if goruntime.GOOS == "windows" {
		return
	}
	paths := []string{place.VaultKey(), place.File("vault.json"), place.Clients(), place.File("users.json"), place.File("console-password"), place.File("state.json"), place.Overrides()}
	if x.config != nil {
		paths = append(paths, place.Vault(x.config))
	}
	bad, seen := 0, 0
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				x.warn("modes", err.Error(), "run this as the user that aimux runs as")
			}
			continue
		}
		seen++
		if info.Mode().Perm()&0o077 != 0 {
			bad++
			x.fail("modes", fmt.Sprintf("%s has mode %04o: others can read or change it", path, info.Mode().Perm()), "chmod 600 "+path)
		}
	}
	if bad == 0 {
		x.ok("modes", "%d files of aimux's own, all of this user alone", seen)
	}
}

// clock checks the clock against what this machine itself has written.
func (x *examination) clock(now time.Time) {
	if now.Year() < 2026 {
		x.fail("clock", "this machine's clock says "+now.Format(time.DateOnly)+": certificates will not hold", "set the clock, and let NTP keep it")
		return
	}
	for _, path := range []string{place.File("usage.db"), place.File("state.json"), place.Overrides()} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(now.Add(time.Minute)) {
			x.warn("clock", fmt.Sprintf("%s was written %s from now: the clock went back", path, info.ModTime().Sub(now).Round(time.Second)), "let NTP keep the clock")
			return
		}
	}
	x.ok("clock", "%s", now.UTC().Format(time.RFC3339))
}

// listeners checks who can reach what a Caddyfile listens on.
func (x *examination) listeners() {
	listens := x.at.listens()
	if len(listens) == 0 {
		x.ok("listeners", "no Caddyfile here to look at")
		return
	}
	guarded := len(x.config.Clients) > 0 || place.Exists(place.Clients())
	for _, listen := range listens {
		shown, open, err := x.host.Reachable(listen)
		switch {
		case err != nil:
			x.fail("listeners", fmt.Sprintf("%s: %v", listen, err), "")
		case open && !guarded:
			x.fail("listeners", shown+" can be reached from other machines, and there is no client: aimux refuses to serve there", "aimux clients create NAME, or bind 127.0.0.1")
		case x.Running == "" && taken(listen):
			x.warn("listeners", listen+" is taken by another program", "stop that one, or listen elsewhere")
		default:
			x.ok("listeners", "%s: %s", listen, map[bool]string{true: "for all who have a client's token", false: "for this machine only"}[open])
		}
	}
}

// taken reports whether an address of this machine cannot be listened on.
func taken(listen string) bool {
	address, err := caddy.ParseNetworkAddress(listen)
	if err != nil || address.IsUnixNetwork() || address.IsFdNetwork() || address.StartPort < 1024 {
		return false
	}
	l, err := net.Listen("tcp", address.JoinHostPort(0))
	if err != nil {
		return true
	}
	_ = l.Close()
	return false
}

// accessLog checks that no access log writes keys.
func (x *examination) accessLog() {
	if x.at == nil || x.at.caddy == nil {
		return
	}
	leaks := leakingLogs(x.at.caddy)
	for _, text := range leaks {
		x.warn("access log", text, accessLogFilter)
	}
	if len(leaks) == 0 {
		x.ok("access log", "none that writes keys")
	}
}

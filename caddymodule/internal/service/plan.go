package service

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aimux/aimux/deploy"
)

// Place is where and for whom the service is.
type Place struct {
	// OS is the system, as runtime.GOOS names it.
	OS string
	// User says that the service is one user's; on darwin it always is.
	User bool
	// Binary is this program, an absolute path.
	Binary string
	// Home is the user's home and Config where the user's configuration is.
	Home, Config string
	// UID is the user's number.
	UID int
	// Root is put before every path, and then nothing is started: for packages.
	Root string
}

// ErrSystem says that there is nothing for this system.
var ErrSystem = errors.New("services are installed for systemd on Linux and launchd on macOS only; elsewhere let your own supervisor run `aimux run --config Caddyfile`")

// The paths of a system's service.
const (
	systemBinary = "/usr/bin/aimux"
	systemUnits  = "/usr/lib/systemd/system"
)

// agentLabel is the service's name for launchd.
const agentLabel = "io.aimux"

// Install returns what installing and starting the service takes.
func Install(p Place) ([]Step, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	switch {
	case p.OS == "darwin":
		return p.installAgent(), nil
	case p.User:
		return p.installUser(), nil
	}
	return p.installSystem(), nil
}

// Uninstall returns what stopping and removing it takes. What belongs to the user
// stays.
func Uninstall(p Place) ([]Step, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	switch {
	case p.OS == "darwin":
		return p.started([]Step{{Run: []string{"launchctl", "bootout", p.target()}, MayFail: true}, {Remove: p.agent()}}), nil
	case p.User:
		return p.started([]Step{
			{Run: []string{"systemctl", "--user", "disable", "--now", "aimux.service"}, MayFail: true},
			{Remove: p.userUnit()}, {Run: []string{"systemctl", "--user", "daemon-reload"}, MayFail: true},
		}), nil
	}
	return p.started([]Step{
		{Run: []string{"systemctl", "disable", "--now", "aimux.socket", "aimux.service"}, MayFail: true},
		{Remove: p.at(systemUnits + "/aimux.service")}, {Remove: p.at(systemUnits + "/aimux.socket")}, {Remove: p.at("/usr/lib/sysusers.d/aimux.conf")},
		{Remove: p.at(systemBinary)}, {Run: []string{"systemctl", "daemon-reload"}, MayFail: true},
	}), nil
}

// Status is the command that shows how the service is doing.
func Status(p Place) ([]string, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.OS == "darwin" {
		return []string{"launchctl", "print", p.target()}, nil
	}
	return append(p.systemctl(), "status", "--no-pager", "aimux.service"), nil
}

// Logs is the command that shows the last lines of the log, and those to come.
func Logs(p Place, lines int, follow bool) ([]string, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var out []string
	switch {
	case p.OS == "darwin":
		out = []string{"tail", "-n", fmt.Sprint(lines)}
		if follow {
			out = append(out, "-f")
		}
		return append(out, filepath.Join(p.Home, "Library/Logs/aimux.log")), nil
	case p.User:
		out = []string{"journalctl", "--user", "--user-unit", "aimux.service"}
	default:
		out = []string{"journalctl", "--unit", "aimux.service"}
	}
	out = append(out, "--no-pager", "--lines", fmt.Sprint(lines))
	if follow {
		out = append(out, "--follow")
	}
	return out, nil
}

func (p Place) check() error {
	if p.OS != "linux" && p.OS != "darwin" {
		return ErrSystem
	}
	for _, path := range []string{p.Binary, p.Config, p.Home} {
		if strings.ContainsAny(path, "\n\r\x00") || path != "" && !filepath.IsAbs(path) {
			return fmt.Errorf("the path %q cannot be written into a unit", path)
		}
	}
	return nil
}

func (p Place) systemctl() []string {
	if p.User {
		return []string{"systemctl", "--user"}
	}
	return []string{"systemctl"}
}

// at is a path below the root.
func (p Place) at(path string) string { return filepath.Join("/", p.Root, path) }

// started is the steps, without commands if they are for another root.
func (p Place) started(steps []Step) []Step {
	if p.Root == "" {
		return steps
	}
	var out []Step
	for _, s := range steps {
		if s.Run == nil {
			out = append(out, s)
		}
	}
	return out
}

func (p Place) installSystem() []Step {
	steps := []Step{
		{Write: p.at(systemUnits + "/aimux.service"), Text: deploy.Text("systemd/aimux.service"), Mode: 0o644},
		{Write: p.at(systemUnits + "/aimux.socket"), Text: deploy.Text("systemd/aimux.socket"), Mode: 0o644},
		{Write: p.at("/usr/lib/sysusers.d/aimux.conf"), Text: deploy.Text("systemd/sysusers.conf"), Mode: 0o644},
		{Write: p.at("/etc/aimux/Caddyfile"), Text: deploy.Text("Caddyfile"), Mode: 0o644, Keep: true},
		{Write: p.at("/etc/aimux/vault.key"), Key: true, Mode: 0o600, Keep: true},
		{Write: p.at("/etc/aimux/environment"), Text: "# Provider keys, one a line: ZAI_API_KEY=...\n", Mode: 0o600, Keep: true},
		{Run: []string{"systemd-sysusers"}}, {Run: []string{"systemctl", "daemon-reload"}},
		{Run: []string{"systemctl", "enable", "aimux.service"}}, {Run: []string{"systemctl", "restart", "aimux.service"}},
	}
	if p.Binary != p.at(systemBinary) {
		steps = append([]Step{{Write: p.at(systemBinary), From: p.Binary, Mode: 0o755}}, steps...)
	}
	return p.started(steps)
}

func (p Place) userUnit() string {
	return p.at(filepath.Join(p.Home, ".config/systemd/user/aimux.service"))
}

func (p Place) installUser() []Step {
	unit := strings.NewReplacer("@BIN@", quoteUnit(p.Binary, true), "WorkingDirectory=@CONFIG@", "WorkingDirectory="+escapeUnit(p.Config),
		"EnvironmentFile=-@CONFIG@", "EnvironmentFile=-"+escapeUnit(p.Config), "@CONFIG@/Caddyfile", quoteUnit(p.Config+"/Caddyfile", false),
	).Replace(deploy.Text("systemd/aimux.user.service"))
	return p.started([]Step{
		{Write: p.userUnit(), Text: unit, Mode: 0o644},
		{Write: p.at(p.Config + "/Caddyfile"), Text: deploy.Text("user/Caddyfile"), Mode: 0o600, Keep: true},
		{Run: []string{"systemctl", "--user", "daemon-reload"}},
		{Run: []string{"systemctl", "--user", "enable", "aimux.service"}}, {Run: []string{"systemctl", "--user", "restart", "aimux.service"}},
	})
}

func (p Place) agent() string {
	return p.at(filepath.Join(p.Home, "Library/LaunchAgents/"+agentLabel+".plist"))
}
func (p Place) target() string { return fmt.Sprintf("gui/%d/%s", p.UID, agentLabel) }

func (p Place) installAgent() []Step {
	plist := strings.NewReplacer("@BIN@", escapeXML(p.Binary), "@HOME@/.config/aimux", escapeXML(p.Config), "@HOME@", escapeXML(p.Home)).Replace(deploy.Text("launchd/io.aimux.plist"))
	return p.started([]Step{
		{Write: p.agent(), Text: plist, Mode: 0o644},
		{Write: p.at(p.Config + "/Caddyfile"), Text: deploy.Text("user/Caddyfile"), Mode: 0o600, Keep: true},
		{Run: []string{"launchctl", "bootout", p.target()}, MayFail: true},
		{Run: []string{"launchctl", "bootstrap", fmt.Sprintf("gui/%d", p.UID), p.agent()}},
		{Run: []string{"launchctl", "kickstart", "-k", p.target()}},
	})
}

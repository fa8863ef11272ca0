package command_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/aimux/aimux/caddymodule"
	"github.com/aimux/aimux/caddymodule/command"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
)

const someCaddyfile = "{\n\taimux team.toon {\n\t\toverrides over.toon\n\t}\n}\nhttp://127.0.0.1:8080 {\n\taimux\n}\n"

func TestFindInstallation_LooksWhereTheServerDoes(t *testing.T) {
	const team = "version: 1\nproviders:\n  sim:\n    kind: simulator\n"
	for name, c := range map[string]struct {
		files  map[string]string
		env    string
		named  string
		source string
		over   string
	}{
		"nothing":                      {},
		"a configuration here":         {files: map[string]string{"aimux.yaml": "version: 1\n"}, source: "aimux.yaml"},
		"$AIMUX_CONFIG first":          {files: map[string]string{"aimux.yaml": "version: 1\n"}, env: "other.toon", source: "other.toon"},
		"a Caddyfile first":            {files: map[string]string{"Caddyfile": someCaddyfile, "team.toon": team, "aimux.toon": team}, source: "team.toon", over: "over.toon"},
		"a Caddyfile without aimux":    {files: map[string]string{"Caddyfile": ":80 {\n\trespond hello\n}\n", "aimux.toon": team}, source: "aimux.toon"},
		"a Caddyfile by name":          {files: map[string]string{"Caddyfile.prod": someCaddyfile, "team.toon": team}, named: "Caddyfile.prod", source: "team.toon", over: "over.toon"},
		"a configuration by name":      {files: map[string]string{"x.json": `{"version":1}`}, named: "x.json", source: "x.json"},
		"Caddy's own JSON by name":     {files: map[string]string{"caddy.json": `{"apps":{"aimux":{"source":"a.toon","overrides":"b.toon"}}}`}, named: "caddy.json", source: "a.toon", over: "b.toon"},
		"a Caddyfile and the defaults": {files: map[string]string{"Caddyfile": "http://127.0.0.1:1 {\n\taimux\n}\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := machine(t)
			for file, text := range c.files {
				put(t, filepath.Join(dir, file), text)
			}
			t.Setenv("AIMUX_CONFIG", c.env)
			at, err := command.Find(c.named)
			if err != nil || at.Source != c.source || at.Overrides != c.over {
				t.Errorf("%+v, %v", at, err)
			}
		})
	}
}

func TestInstallation_OverridesLieOverWhatAimuxReadsAndNotOverCaddysOwnJSON(t *testing.T) {
	const own = `{"apps":{"aimux":{"config":{"version":1,"limits":{"queue":5}},"overrides":"over.toon"}}}`
	for name, c := range map[string]struct {
		file, text string
		queue      int
		embedded   bool
	}{
		"Caddy's own JSON":                  {"caddy.json", own, 5, true},
		"a Caddyfile and a configuration":   {"Caddyfile", someCaddyfile, 9, false},
		"a Caddyfile and the environment":   {"Caddyfile", strings.Replace(someCaddyfile, "team.toon ", "", 1), 9, false},
		"what Caddy made of such Caddyfile": {"caddy.json", strings.Replace(own, `"overrides"`, `"overrides_tag":"1f","overrides"`, 1), 9, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := machine(t)
			put(t, filepath.Join(dir, "team.toon"), "version: 1\nproviders:\n  sim:\n    kind: simulator\nlimits:\n  queue: 7\n")
			put(t, filepath.Join(dir, "over.toon"), "version: 1\nlimits:\n  queue: 9\n")
			put(t, filepath.Join(dir, c.file), c.text)
			at, err := command.Find(c.file)
			if err != nil {
				t.Fatal(err)
			}
			result, err := at.Load()
			if err != nil || result.Config.Limits.Queue != c.queue || (at.Embedded != nil) != c.embedded {
				t.Errorf("%v, embedded: %s, %+v", err, at.Embedded, result)
			}
		})
	}
}

func TestFindInstallation_RefusesWhatIsNoneOfThese(t *testing.T) {
	dir := machine(t)
	put(t, filepath.Join(dir, "Caddyfile.x"), ":80 {\n\trespond hello\n}\n")
	put(t, filepath.Join(dir, "Caddyfile.y"), "{\n")
	if _, err := command.Find("Caddyfile.x"); !errors.Is(err, command.ErrNoApp) {
		t.Errorf("without aimux: %v", err)
	}
	for _, name := range []string{"Caddyfile.y", "none.toon", "aimux.conf"} {
		if _, err := command.Find(name); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

const filtered = "format filter {\n\t\t\trequest>headers>X-Api-Key delete\n\t\t\trequest>headers>Api-Key delete\n\t\t\trequest>headers>X-Goog-Api-Key delete\n\t\t}"

func TestLeakingLogs_AreThoseThatWriteKeysOfClients(t *testing.T) {
	const others = `(log "default") writes x-api-key, api-key, x-goog-api-key of requests by any other host name in clear`
	for name, c := range map[string]struct {
		global, site, directive string
		want                    string // empty: nothing leaks
	}{
		"no access log":            {},
		"the plain log":            {site: "log", want: `(log "default") writes x-api-key, api-key, x-goog-api-key in clear`},
		"a log of its own":         {site: "log {\n\t\toutput file access.log\n\t}", want: `(log "log0") writes x-api-key`},
		"a filter for all logs":    {global: "log {\n\t\t" + filtered + "\n\t}", site: "log"},
		"a filter for the site":    {site: "log {\n\t\t" + filtered + "\n\t}", want: others},
		"both":                     {global: "log {\n\t\t" + filtered + "\n\t}", site: "log {\n\t\toutput file a.log\n\t\t" + filtered + "\n\t}"},
		"a filter of all headers":  {global: "log {\n\t\tformat filter {\n\t\t\trequest>headers delete\n\t\t}\n\t}", site: "log"},
		"a filter that lacks one":  {global: "log {\n\t\tformat filter {\n\t\t\trequest>headers>X-Api-Key delete\n\t\t}\n\t}", site: "log", want: "writes api-key, x-goog-api-key in"},
		"a wrapped filter":         {global: "log {\n\t\tformat append {\n\t\t\twrap filter {\n\t\t\t\trequest>headers delete\n\t\t\t}\n\t\t\thost x\n\t\t}\n\t}", site: "log"},
		"discarded":                {global: "log {\n\t\toutput discard\n\t}", site: "log"},
		"credentials switched on":  {global: "log {\n\t\t" + filtered + "\n\t}\n\tservers {\n\t\tlog_credentials\n\t}", site: "log", want: "log_credentials"},
		"a server without a model": {site: "log", directive: "respond hello"},
		"default leaves it out":    {global: "log default {\n\t\texclude http.log.access\n\t}", site: "log"},
	} {
		t.Run(name, func(t *testing.T) {
			machine(t)
			if c.directive == "" {
				c.directive = "aimux"
			}
			text := "{\n\taimux\n\t" + c.global + "\n}\nhttp://127.0.0.1:8080 {\n\t" + c.site + "\n\t" + c.directive + "\n}\n"
			whole, err := command.AdaptCaddyfile("Caddyfile", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(command.LeakingLogs(whole), "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q in it; %s", got, c.want, whole)
			}
		})
	}
	if got := command.LeakingLogs([]byte("no json")); got != nil {
		t.Errorf("of nonsense: %v", got)
	}
}

func FuzzLeakingLogs(f *testing.F) {
	f.Add([]byte(`{"logging":{"logs":{"default":{"encoder":{"format":"filter","wrap":{"format":"json"}}}}},"apps":{"http":{"servers":{"a":{"logs":{"logger_names":{"x":["y"],"z":""}},"routes":["aimux"]}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) { command.LeakingLogs(data) })
}

// machine is a machine with nothing on it but what a test puts there.
func machine(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "conf"))
	t.Setenv("AIMUX_ADMIN", "off")
	t.Setenv("AIMUX_CONFIG", "")
	t.Chdir(dir)
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

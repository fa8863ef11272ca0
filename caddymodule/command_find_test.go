package caddymodule

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/cli"
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
			at, err := findInstallation(c.named)
			if err != nil || at.source != c.source || at.overrides != c.over {
				t.Errorf("%+v, %v", at, err)
			}
		})
	}
}

func TestFindInstallation_RefusesWhatIsNoneOfThese(t *testing.T) {
	dir := machine(t)
	put(t, filepath.Join(dir, "Caddyfile.x"), ":80 {\n\trespond hello\n}\n")
	put(t, filepath.Join(dir, "Caddyfile.y"), "{\n")
	if _, err := findInstallation("Caddyfile.x"); !errors.Is(err, errNoApp) {
		t.Errorf("without aimux: %v", err)
	}
	for _, name := range []string{"Caddyfile.y", "none.toon", "aimux.conf"} {
		if _, err := findInstallation(name); err == nil {
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
			whole, err := adaptCaddyfile("Caddyfile", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(leakingLogs(whole), "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q in it; %s", got, c.want, whole)
			}
		})
	}
	if got := leakingLogs([]byte("no json")); got != nil {
		t.Errorf("of nonsense: %v", got)
	}
}

func FuzzLeakingLogs(f *testing.F) {
	f.Add([]byte(`{"logging":{"logs":{"default":{"encoder":{"format":"filter","wrap":{"format":"json"}}}}},"apps":{"http":{"servers":{"a":{"logs":{"logger_names":{"x":["y"],"z":""}},"routes":["aimux"]}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) { leakingLogs(data) })
}

func TestConfigCheck_ReadsCaddyfilesAndWarnsOfAccessLogs(t *testing.T) {
	dir := machine(t)
	put(t, filepath.Join(dir, "aimux.toon"), "version: 1\nproviders:\n  sim:\n    kind: simulator\n")
	put(t, filepath.Join(dir, "Caddyfile"), "{\n\taimux\n}\nhttp://127.0.0.1:8080 {\n\tbind 127.0.0.1\n\tlog\n\taimux\n}\n")
	for _, args := range [][]string{{"config", "check", "Caddyfile"}, {"config", "check", "--config", "Caddyfile"}, {"config", "check"}} {
		out, said, code := typed(t, "", args...)
		if code != cli.OK || !strings.Contains(out, "warning Caddyfile: the access log of 127.0.0.1:8080") {
			t.Errorf("%v: exit code %d, %s: %s", args, code, said, out)
		}
	}
	put(t, filepath.Join(dir, "aimux.toon"), "version: 1\nnonsense: 1\n")
	if out, _, code := typed(t, "", "config", "check", "Caddyfile"); code != cli.Failed || !strings.Contains(out, "nonsense") {
		t.Errorf("a broken one: exit code %d: %s", code, out)
	}
}

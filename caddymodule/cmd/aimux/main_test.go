package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Packages whose initialisation every start and every command would pay for, as
// GODEBUG=inittrace=1 shows it, and what came with them.
var costly = map[string]string{
	"github.com/alecthomas/chroma/v2/lexers":                    "10 ms: templates has come in, perhaps by fileserver or php_fastcgi",
	"github.com/alecthomas/chroma/v2/styles":                    "9 ms: as the lexers",
	"github.com/yuin/goldmark":                                  "3 ms: templates has come in",
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/tracing": "what it brings is not needed: aimux traces by itself",
}

func TestSlim_LeavesOutWhatIsCostlyToInitialise(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "nobadger,nomysql,nopgx", ".").Output()
	if err != nil {
		t.Skip("go list does not work here:", err)
	}
	packages := strings.Fields(string(out))
	if !slices.Contains(packages, "github.com/aimux/aimux/caddymodule") {
		t.Fatalf("%d packages, but not aimux's own", len(packages))
	}
	for name, why := range costly {
		if slices.Contains(packages, name) {
			t.Errorf("%s is in the slim build: %s", name, why)
		}
	}
}

package caddymodule

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/aimux/aimux/"

// layers says which way imports may point: a package imports only packages of
// lower layers. Packages that are not listed here fail the test, so that a new
// room gets a place in the house.
var layers = map[string]int{
	"toon":                                     0,
	"schema":                                   1,
	"caddymodule/internal/crash":               0,
	"caddymodule/internal/secret":              0,
	"caddymodule/internal/filelock":            0,
	"caddymodule/internal/llm":                 0,
	"deploy":                                   0,
	"caddymodule/internal/launch":              2,
	"caddymodule/internal/service":             2,
	"caddymodule/internal/cli":                 11,
	"caddymodule/internal/vault":               2,
	"caddymodule/internal/audit":               2,
	"caddymodule/internal/client":              2,
	"caddymodule/internal/egress":              2,
	"caddymodule/internal/backup":              2,
	"caddymodule/internal/clock":               0,
	"caddymodule/internal/jsonscan":            0,
	"caddymodule/internal/sse":                 1,
	"caddymodule/internal/dialect/wire":        1,
	"caddymodule/internal/dialect":             2,
	"caddymodule/internal/dialect/repair":      3,
	"caddymodule/internal/dialect/anthropic":   4,
	"caddymodule/internal/dialect/openai":      4,
	"caddymodule/internal/dialect/responses":   5, // shares the OpenAI error forms
	"caddymodule/internal/tokens":              4,
	"caddymodule/internal/provider":            5,
	"caddymodule/internal/keypool":             6,
	"caddymodule/internal/health":              6,
	"caddymodule/internal/failover":            6,
	"caddymodule/internal/upstream":            6,
	"caddymodule/internal/quota":               7,
	"caddymodule/internal/route":               7,
	"caddymodule/internal/gateway":             8,
	"caddymodule/internal/legacy":              8,
	"caddymodule/internal/usage":               9,
	"caddymodule/internal/telemetry":           9,
	"caddymodule/internal/telemetry/alert":     10,
	"caddymodule/internal/telemetry/traces":    10,
	"caddymodule/internal/control":             11,
	"caddymodule/internal/console/consoletest": 11,
	"caddymodule/internal/console/auth":        9,
	"caddymodule/internal/console":             10,
	"caddymodule/simulator":                    0,
	"caddymodule/place":                        3,
	"caddymodule/handover":                     3,
	"caddymodule/command":                      12,
	"caddymodule":                              13,
	"caddymodule/cmd/aimux/quietstart":         0,
	"caddymodule/cmd/aimux":                    14,
	".":                                        14,
}

// knowCaddy are the packages that may import Caddy; none of them is below
// internal.
var knowCaddy = []string{"caddymodule", "caddymodule/command", "caddymodule/place", "caddymodule/handover", "caddymodule/cmd/aimux"}

func TestImports_PointDownAndFewImportCaddy(t *testing.T) {
	for dir, imports := range imports(t, "..") {
		layer, ok := layers[dir]
		if !ok {
			t.Errorf("package %s has no layer in this test; say where it stands", dir)
			continue
		}
		for _, path := range imports {
			if strings.HasPrefix(path, "github.com/caddyserver/") && !slices.Contains(knowCaddy, dir) {
				t.Errorf("%s imports %s; only %v know Caddy", dir, path, knowCaddy)
			}
			own, ok := strings.CutPrefix(path, module)
			if below, known := layers[own]; ok && (!known || below >= layer) {
				t.Errorf("%s (layer %d) imports %s (layer %d), which does not stand below it", dir, layer, own, below)
			}
		}
	}
}

// imports lists what the packages below root import outside tests. Test suites
// and tools are not part of the house.
func imports(t *testing.T, root string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "testdata" || outside(rel)) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		if out[dir] == nil {
			out[dir] = []string{}
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			out[dir] = append(out[dir], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func outside(rel string) bool {
	switch rel {
	case "e2e", "loadtest", "tools", "bin", "node_modules":
		return true
	}
	return false
}

// TestManifest_NamesTheCaddyThatGoModRequires keeps xcaddy.json and go.mod from
// drifting apart.
func TestManifest_NamesTheCaddyThatGoModRequires(t *testing.T) {
	var manifest struct {
		CaddyVersion string `json:"caddy_version"`
		Plugins      []struct {
			Path string `json:"module_path"`
		} `json:"plugins"`
	}
	data, err := os.ReadFile("../xcaddy.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("github.com/caddyserver/caddy/v2 %s\n", manifest.CaddyVersion); !strings.Contains(string(mod), want) {
		t.Errorf("go.mod does not require %q", want)
	}
	if len(manifest.Plugins) != 1 || manifest.Plugins[0].Path+"/" != module {
		t.Errorf("plugins %v, want %s alone", manifest.Plugins, module)
	}
}

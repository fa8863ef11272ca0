package schema_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/schema"
)

// canaries are the secrets in testdata/invalid. None may be in any message.
var canaries = []string{"AbCdEfGhIjKl", "0123456789abcdef", "hunter2", "abcdefghijklmnop", "1234567890123456"}

func TestLoad_ErrorCatalogue(t *testing.T) {
	for _, path := range files(t, "testdata/invalid", ".toon", ".json", ".yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := schema.Load(schema.Options{Path: path, Known: known()})
			var problems *schema.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("the error is %v, not *Problems", err)
			}
			golden(t, path+".want", err.Error()+"\n")
			for _, canary := range canaries {
				if strings.Contains(err.Error(), canary) {
					t.Errorf("the message repeats the secret:\n%v", err)
				}
			}
		})
	}
}

func TestLoad_EveryProblemSaysWhereAndNamesItsFile(t *testing.T) {
	for _, path := range files(t, "testdata/invalid", ".toon", ".json", ".yaml") {
		_, err := schema.Load(schema.Options{Path: path, Known: known()})
		var problems *schema.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("%s: the error is %v", path, err)
		}
		for _, p := range *problems {
			if p.File != filepath.Base(path) || p.Line < 1 || p.Column < 1 || p.Msg == "" {
				t.Errorf("%s: the problem does not say where: %#v", path, p)
			}
		}
	}
}

func TestProblem_String(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    schema.Problem
		want string
	}{
		{"in a file", schema.Problem{File: "aimux.toon", Line: 12, Column: 7, Pointer: "/keys/2/provider", Msg: `no provider "zia"`, Hint: `did you mean "zai"?`},
			`aimux.toon:12:7: /keys/2/provider: no provider "zia"; did you mean "zai"?`},
		{"in the environment", schema.Problem{Variable: "AIMUX_X", Msg: "there is no such setting"},
			"environment variable AIMUX_X: there is no such setting"},
		{"embedded", schema.Problem{File: "aimux.toon", Pointer: "/version", Msg: "odd"}, "aimux.toon: /version: odd"},
		{"nowhere", schema.Problem{Msg: "odd"}, "odd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.p.String(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestLoad_CatalogueIsLargeEnough(t *testing.T) {
	entries, err := os.ReadDir("testdata/invalid")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries)/2 < 40 {
		t.Errorf("the catalogue has %d cases, fewer than 40", len(entries)/2)
	}
}

package egress

import (
	"crypto/tls"
	"encoding/pem"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTLS_TrustsTheFileAndNothingElse(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	own := filepath.Join(dir, "own.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(own, block, 0o600); err != nil {
		t.Fatal(err)
	}
	get := func(r Rules) error {
		req, _ := http.NewRequest("GET", server.URL, nil)
		resp, err := transport(t, r, nil).RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	loopback := Policy{AllowLoopback: true, OnlyLoopback: true}
	if err := get(Rules{Policy: loopback, CAFile: own}); err != nil {
		t.Errorf("with its certificate: %v", err)
	}
	if err := get(Rules{Policy: loopback}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without: %v", err)
	}
}

func TestTLS_RefusesOldVersions(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.StartTLS()
	defer server.Close()
	own := filepath.Join(t.TempDir(), "own.pem")
	if err := os.WriteFile(own, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("GET", server.URL, nil)
	_, err := transport(t, Rules{Policy: Policy{AllowLoopback: true}, CAFile: own}, nil).RoundTrip(req)
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("got %v", err)
	}
}

func TestTLS_UnreadableFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, path := range map[string]string{
		"none there": filepath.Join(dir, "none"), "a directory": dir, "empty": write("empty", ""), "no PEM": write("text", "trust me"),
		"another kind": write("key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"huge":         write("huge", strings.Repeat("x", maxCAFile+1)),
	} {
		if config, err := TLS(path); err == nil || config != nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, %v", name, config, err)
		}
		if err := (Rules{CAFile: path}).Apply(&http.Transport{}, nil); err == nil {
			t.Errorf("%s: applied", name)
		}
	}
}

// TestTLS_VerificationCannotBeSwitchedOff looks through all of the gateway's own
// code for the field that would.
func TestTLS_VerificationCannotBeSwitchedOff(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil // half-written by somebody; the compiler will say so
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "InsecureSkipVerify" || id.Name == "ProxyFromEnvironment") {
				t.Errorf("%s: mentions %s", path, id.Name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

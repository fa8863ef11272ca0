package caddymodule

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/aimux/aimux/caddymodule/place"
)

// examined are the findings of a diagnosis, one a line.
func examined(t *testing.T, d cli.Diagnosis) string {
	t.Helper()
	var b strings.Builder
	for _, f := range commands().Diagnose(t.Context(), d) {
		if f.Level == "fail" && f.Check != "configuration" && f.Mend == "" && !strings.Contains(f.Text, ":") {
			t.Errorf("%+v says nothing of how to mend it", f)
		}
		b.WriteString(f.Level + " " + f.Check + ": " + f.Text + "\n")
	}
	return b.String()
}

func expect(t *testing.T, report string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(report, line) {
			t.Errorf("%q is missing in:\n%s", line, report)
		}
	}
}

func TestDoctor_OfAnEmptyMachine(t *testing.T) {
	machine(t)
	report := examined(t, cli.Diagnosis{})
	expect(t, report, "warn server: no server answers", "warn configuration: no provider is configured", "ok vault: there is none", "ok data: ", "ok clock: ", "ok modes: ")
	if strings.Contains(report, "fail ") {
		t.Errorf("something fails:\n%s", report)
	}
}

func TestDoctor_FindsSecretsThatAreNotThere(t *testing.T) {
	dir := machine(t)
	secret := filepath.Join(dir, "zai.key")
	put(t, secret, "some-secret-of-a-test")
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "aimux.yaml"), "version: 1\nproviders:\n  zai: {}\nkeys:\n  - {provider: zai, name: a, secret: 'env:AIMUX_TEST_NOWHERE'}\n  - {provider: zai, name: b, secret: 'file:"+secret+"'}\n")
	report := examined(t, cli.Diagnosis{Running: "the server at localhost:2019"})
	expect(t, report, "ok server: the server at localhost:2019", "fail secrets: key zai/a: env:AIMUX_TEST_NOWHERE")
	if goruntime.GOOS != "windows" {
		expect(t, report, "warn secrets: "+secret+" has mode 0644")
	}
}

func TestDoctor_FindsKeysThatTheVaultLacks(t *testing.T) {
	dir := machine(t)
	put(t, filepath.Join(dir, "aimux.yaml"), "version: 1\nproviders:\n  zai: {}\nkeys:\n  - {provider: zai, name: a, secret: 'vault:lost'}\n")
	expect(t, examined(t, cli.Diagnosis{}), "fail vault: the configuration refers to the vault, but there is none")
	if _, said, code := typed(t, "", "vault", "init"); code != cli.OK {
		t.Fatal(said)
	}
	expect(t, examined(t, cli.Diagnosis{}), "fail vault: key zai/a is not in it")
	if goruntime.GOOS != "windows" {
		if err := os.Chmod(place.File("vault.json"), 0o644); err != nil {
			t.Fatal(err)
		}
		expect(t, examined(t, cli.Diagnosis{}), "fail modes: ", "vault.json has mode 0644")
	}
}

func TestDoctor_LooksAtWhatACaddyfileOpens(t *testing.T) {
	dir := machine(t)
	put(t, filepath.Join(dir, "Caddyfile"), "{\n\taimux\n}\nhttp://:18080 {\n\tlog\n\taimux\n}\n")
	expect(t, examined(t, cli.Diagnosis{}), "fail listeners: ", "aimux refuses to serve there", "warn access log: the access log of :18080")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	put(t, filepath.Join(dir, "Caddyfile"), "{\n\taimux\n}\nhttp://"+l.Addr().String()+" {\n\tbind 127.0.0.1\n\taimux\n}\n")
	expect(t, examined(t, cli.Diagnosis{}), "warn listeners: "+l.Addr().String()+" is taken", "ok access log: ")
	expect(t, examined(t, cli.Diagnosis{Running: "the server"}), "ok listeners: "+l.Addr().String()+": for this machine only")
}

func TestDoctor_OnlineAsksForNothingThatCosts(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"))
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusNotFound)
	}))
	defer s.Close()
	dir := machine(t)
	t.Setenv("AIMUX_TEST_KEY", "some-secret-of-a-test")
	put(t, filepath.Join(dir, "aimux.yaml"), "version: 1\nproviders:\n  box: {kind: openai-compatible, base_url: '"+s.URL+"/v1', allow_http: true, allow_private: true}\n  gone: {kind: openai-compatible, base_url: 'http://127.0.0.1:1/v1', allow_http: true, allow_private: true}\n"+
		"keys:\n  - {provider: box, secret: 'env:AIMUX_TEST_KEY'}\n")
	expect(t, examined(t, cli.Diagnosis{Online: true}), "ok reach: box at ", "warn clock: ", "fail reach: gone at 127.0.0.1:1")
	if len(asked) != 1 || asked[0] != "HEAD / " {
		t.Errorf("asked %q", asked)
	}
	if strings.Contains(examined(t, cli.Diagnosis{}), "reach") || len(asked) != 1 {
		t.Error("without --online it asks too")
	}
}

func TestDoctor_NoticesAClockThatWentBack(t *testing.T) {
	machine(t)
	if err := os.MkdirAll(filepath.Dir(place.Overrides()), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, place.Overrides(), "version: 1\n")
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(place.Overrides(), later, later); err != nil {
		t.Fatal(err)
	}
	expect(t, examined(t, cli.Diagnosis{}), "warn clock: ")
}

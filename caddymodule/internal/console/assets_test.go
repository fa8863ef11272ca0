package console_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

// pageWeight is what the whole page may weigh, uncompressed, in bytes.
const pageWeight = 150_000

// files calls f with the path and the text of every file of the page.
func files(t *testing.T, f func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir("web", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		f(strings.TrimSuffix(strings.TrimPrefix(name, "web"), "index.html"), string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPage_IsLight(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	plain, packed := 0, 0
	files(t, func(path, _ string) {
		plain += len(s.Call(t, "", "GET", path, "", "Accept-Encoding", "identity").Body)
		packed += len(s.Call(t, "", "GET", path, "", "Accept-Encoding", "gzip").Body)
	})
	t.Logf("the page weighs %d bytes, compressed %d", plain, packed)
	if plain > pageWeight {
		t.Errorf("the page weighs %d bytes, %d too many", plain, plain-pageWeight)
	}
}

// Indentation is not served, which a literal over several lines would notice.
func TestPage_HasNoLiteralOverSeveralLines(t *testing.T) {
	files(t, func(path, text string) {
		for i, line := range strings.Split(text, "\n") {
			if strings.Count(line, "`")%2 != 0 || strings.HasSuffix(line, `\`) {
				t.Errorf("%s:%d: %s", path, i+1, line)
			}
		}
	})
}

func TestPage_KeepsEveryLineWhereItStands(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	files(t, func(path, text string) {
		want, got := strings.Split(text, "\n"), strings.Split(s.Call(t, "", "GET", path, "", "Accept-Encoding", "identity").Body, "\n")
		if len(want) != len(got) {
			t.Fatalf("%s: %d lines of %d", path, len(got), len(want))
		}
		for i := range want {
			if w := strings.TrimSpace(want[i]); got[i] != w && (got[i] != "" || !strings.HasPrefix(w, "//") && !strings.HasPrefix(w, "/*")) {
				t.Errorf("%s:%d: %q is served as %q", path, i+1, want[i], got[i])
			}
		}
	})
}

func TestPage_IsCompressedForThoseWhoTakeIt(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	plain := s.Call(t, "", "GET", "/assets/app.js", "", "Accept-Encoding", "identity").Body
	for accept, packed := range map[string]bool{
		"gzip": true, "gzip, deflate, br, zstd": true, "br;q=1, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0": false,
		"deflate": false, "xgzip": false, "gzip;q=x": false, "identity": false,
	} {
		a := s.Call(t, "", "GET", "/assets/app.js", "", "Accept-Encoding", accept)
		if a.Status != 200 || a.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %d %v", accept, a.Status, a.Header)
		}
		body := a.Body
		if got := a.Header.Get("Content-Encoding"); (got == "gzip") != packed {
			t.Errorf("%q: encoding %q", accept, got)
			continue
		}
		if packed {
			r, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Errorf("%q: %v", accept, err)
				continue
			}
			text, err := io.ReadAll(r)
			if err != nil || len(a.Body) > len(plain)/2 {
				t.Errorf("%q: %v, %d bytes", accept, err, len(a.Body))
			}
			body = string(text)
		}
		if body != plain {
			t.Errorf("%q: another text", accept)
		}
	}
}

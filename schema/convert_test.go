package schema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/schema"
)

func TestConvert_EveryFormatIntoEveryOther(t *testing.T) {
	for _, path := range files(t, "testdata/valid", ".toon", ".json", ".yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		from := strings.TrimPrefix(filepath.Ext(path), ".")
		want := mustLoad(t, from, string(data))
		for _, to := range schema.Formats() {
			out, err := schema.Convert(data, from, to)
			if err != nil {
				t.Fatalf("%s to %s: %v", path, to, err)
			}
			got := mustLoad(t, to, string(out))
			if diff := cmp.Diff(string(want.Raw), string(got.Raw)); diff != "" {
				t.Errorf("%s to %s:\n%s", path, to, diff)
			}
			if !strings.HasSuffix(string(out), "\n") || strings.HasSuffix(string(out), "\n\n") {
				t.Errorf("%s to %s: the text does not end with one line end", path, to)
			}
		}
	}
}

func TestConvert_KeepsTheOrder(t *testing.T) {
	out, err := schema.Convert([]byte(`{"version": 1, "timeouts": {"total": "1h", "connect": "5s"}, "aliases": {}}`), "json", "yaml")
	want := "version: 1\ntimeouts:\n  total: 1h\n  connect: 5s\naliases: {}\n"
	if err != nil || string(out) != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
}

func TestConvert_QuotesWhatYAMLWouldMisread(t *testing.T) {
	in := `{"a":"yes","b":"1","c":"null","d":"0x1f","e":"2001-01-01","f":"a: b","g":"","h":"#","i":"true","j":"~","k":"1e3","l":"*x","m":"on"}`
	out, err := schema.Convert([]byte(in), "json", "yaml")
	if err != nil {
		t.Fatal(err)
	}
	back, err := schema.Convert(out, "yaml", "json")
	if err != nil {
		t.Fatalf("%v of\n%s", err, out)
	}
	want, err := schema.Convert([]byte(in), "json", "json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(back)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConvert_Problems(t *testing.T) {
	for _, tc := range []struct{ name, text, from, to, want string }{
		{"unknown target", "{}", "json", "toml", `no format "toml"; one of toon, json, yaml`},
		{"unknown source", "{}", "toml", "json", `no format "toml"; one of toon, json, yaml`},
		{"broken", "{", "json", "toon", "1:2: the document ends too early; a bracket, brace or quotation mark is not closed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := schema.Convert([]byte(tc.text), tc.from, tc.to)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestFormatFile_RepairsCountsAndKeepsCommentsModeAndTheFormerFile(t *testing.T) {
	dir := t.TempDir()
	before := "version: 1\n# one row per provider\nproviders[9:]{kind,tier}:\n  zai: zai,1\n  minimax: minimax,2\n"
	path := write(t, dir, "aimux.toon", before)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	changed, err := schema.FormatFile(path)
	if err != nil || !changed {
		t.Fatalf("changed %t, %v", changed, err)
	}
	after, _ := os.ReadFile(path)
	if !strings.Contains(string(after), "# one row per provider\n") || !strings.Contains(string(after), "providers[2:]{kind,tier}:") {
		t.Errorf("after:\n%s", after)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v", info.Mode())
	}
	if kept, _ := os.ReadFile(path + "~"); string(kept) != before {
		t.Errorf("the former file holds %q", kept)
	}
	if changed, err := schema.FormatFile(path); changed || err != nil {
		t.Errorf("a second time: changed %t, %v", changed, err)
	}
}

func TestFormatFile_LeavesABrokenFileAlone(t *testing.T) {
	path := write(t, t.TempDir(), "aimux.json", "{\"a\": 1,}\n")
	changed, err := schema.FormatFile(path)
	if changed || err == nil || !strings.HasPrefix(err.Error(), "aimux.json:1:9: not valid JSON: a comma stands before the closing bracket") {
		t.Errorf("changed %t, %v", changed, err)
	}
	if data, _ := os.ReadFile(path); string(data) != "{\"a\": 1,}\n" {
		t.Errorf("the file holds %q", data)
	}
}

func TestShow_EveryValueWithItsLayer(t *testing.T) {
	dir := t.TempDir()
	r, err := schema.Load(schema.Options{
		Path:      write(t, dir, "aimux.toon", "version: 1\nproviders[1:]{kind,tier}:\n  zai: zai,1\n"),
		Overrides: write(t, dir, "overrides.toon", "version: 1\nproviders[1:]{tier}:\n  zai: 2\n"),
		Environ:   []string{"AIMUX_PROVIDERS__ZAI__WEIGHT=7", "ZAI_API_KEY=hunter2"},
		Known:     known(),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := schema.Show(r)
	if strings.Contains(got, "hunter2") {
		t.Fatal("the secret is shown")
	}
	golden(t, "testdata/show.txt", got)
}

func TestCheck_Report(t *testing.T) {
	bad := schema.Check(schema.Options{Path: "a.json", Data: []byte(`{"version": 1, "log": {"decisions": "x"}}`)})
	if bad.OK || len(bad.Problems) != 1 || !strings.HasPrefix(bad.String(), "a.json:1:37: /log/decisions: expected a whole number") {
		t.Errorf("got %+v", bad)
	}
	good := schema.Check(schema.Options{Path: "a.json", Data: []byte(`{}`)})
	if !good.OK || good.String() != "" {
		t.Errorf("got %+v", good)
	}
	doubtful := schema.Check(schema.Options{Path: "a.json", Data: []byte(`{"log": {}}`)})
	if !doubtful.OK || !strings.HasPrefix(doubtful.String(), "warning: a.json:1:1: /version:") {
		t.Errorf("got %+v", doubtful)
	}
}

func TestParser_FitsKoanfInEveryFormat(t *testing.T) {
	for _, format := range schema.Formats() {
		p := schema.Parser(format)
		text, err := p.Marshal(map[string]any{"version": int64(1), "log": map[string]any{"exchanges": "all"}, "keys": []any{}, "on": true, "share": 0.5, "nothing": nil})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Unmarshal(text)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", format, err, text)
		}
		want := map[string]any{"version": int64(1), "log": map[string]any{"exchanges": "all"}, "keys": []any{}, "on": true, "share": 0.5, "nothing": nil}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
		if _, err := p.Unmarshal([]byte("{")); err == nil {
			t.Errorf("%s: a broken document parses", format)
		}
	}
}

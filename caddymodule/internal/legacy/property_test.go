package legacy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestImport_NeverShowsASecretAndNeverLosesAKey builds old documents of every form
// around random keys and checks both.
func TestImport_NeverShowsASecretAndNeverLosesAKey(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		secrets := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{4}[A-Z0-9]{20}[a-z0-9]{0,30}`), 1, 4, rapid.ID[string]).Draw(rt, "secrets")
		name, text := oldDocument(rt, secrets)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			rt.Fatal(err)
		}
		defer os.Remove(path)
		got, err := Import([]string{path}, testOptions())
		if err != nil {
			rt.Fatalf("%v for\n%s", err, text)
		}
		shown := got.Report.String() + string(got.Report.JSON()) + string(got.Document)
		recovered := map[string]bool{}
		for _, k := range got.Keys {
			recovered[k.Secret.Reveal()] = true
			shown += k.String()
		}
		for _, s := range secrets {
			if strings.Contains(shown, s) {
				rt.Fatalf("shown in clear:\n%s", got.Report)
			}
			if !recovered[s] {
				rt.Fatalf("a key is lost of\n%s\n%s", text, got.Report)
			}
		}
	})
}

// oldDocument writes a document of a random dialect that holds the secrets, also
// where none belongs.
func oldDocument(rt *rapid.T, secrets []string) (name, text string) {
	names := []string{"zai", "z-ai", "minimax-m2", "synthetic-new", "cerebras", "acme", "sk-odd-provider-name", secrets[0]}
	pick := func() string { return rapid.SampledFrom(names).Draw(rt, "name") }
	address := rapid.SampledFrom([]string{"", "https://api.z.ai", "https://llm.acme.example/v1", "http://10.1.2.3/v1", "https://192.168.0.1/v1", "http://169.254.169.254/x", "http://[fd00::1]:8080", "http://llm.lan/v1", "http://8.8.8.8/v1", "https://x.example/" + secrets[0], "::"})
	object := map[string]any{}
	var rows []any
	var env, ini strings.Builder
	for i, s := range secrets {
		n := pick()
		url := address.Draw(rt, "address")
		p := map[string]any{"name": n, "api_key": s, "endpoint": url, "models": []string{s, "glm-4.6"}, "custom_headers": map[string]string{"X-A": s}}
		rows = append(rows, p)
		object[string(rune('a'+i))+n] = map[string]any{"apiKey": s, "baseUrl": url, "group_id": s, "note": s}
		env.WriteString("AIMUX_P" + string(rune('A'+i)) + "_API_KEY=" + s + "\n")
		ini.WriteString("[p" + string(rune('a'+i)) + "]\napi_key = " + s + "\nendpoint = " + url + "\n")
	}
	encode := func(v any) string { data, _ := json.Marshal(v); return string(data) }
	switch rapid.IntRange(0, 4).Draw(rt, "dialect") {
	case 0:
		return "config.json", encode(map[string]any{"multiProvider": map[string]any{"providers": object, "routing": map[string]any{"defaultProvider": secrets[0]}}, "selectedModel": secrets[0]})
	case 1:
		return "config.json", encode(map[string]any{"providers": rows, "webui": map[string]any{"token": secrets[0]}})
	case 2:
		return "config.json", encode(map[string]any{"default_provider": secrets[0], "providers": object})
	case 3:
		return "x.env", env.String()
	}
	return "config.toon", ini.String()
}

// TestReadJSON_CutAnywhereKeepsTheKeysBeforeTheCut truncates a document at every
// byte.
func TestReadJSON_CutAnywhereKeepsTheKeysBeforeTheCut(t *testing.T) {
	data, err := os.ReadFile("testdata/import/v1/in/config.json")
	if err != nil {
		t.Fatal(err)
	}
	end := strings.Index(string(data), fakeZAI) + len(fakeZAI) + 1
	path := filepath.Join(t.TempDir(), "config.json")
	for cut := 0; cut <= len(data); cut += 1 + cut%3 {
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Import([]string{path}, testOptions())
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		found := false
		for _, k := range got.Keys {
			found = found || k.Secret.Reveal() == fakeZAI
		}
		if want := cut >= end; found != want {
			t.Errorf("cut at %d: key found %t, want %t", cut, found, want)
		}
		checkNoSecret(t, got)
	}
}

func FuzzReaders(f *testing.F) {
	files, _ := filepath.Glob("testdata/import/*/in/*")
	for _, path := range files {
		if data, err := os.ReadFile(path); err == nil {
			f.Add(filepath.Base(path), data)
		}
	}
	f.Add(".env", []byte("A_API_KEY='x\nB"))
	f.Add("a.toon", []byte("providers[1]{name}:\n  [\"a\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		m := newMerger(testOptions())
		m.file(found{shown: "f", name: name, asked: true, data: data, size: int64(len(data))})
		drafts := m.readAll()
		m.merge(drafts)
		got, err := m.finish(m.wish(drafts))
		if err != nil {
			t.Fatalf("%v\n%s", err, got.Document)
		}
		checkNoSecret(t, got)
	})
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(`{"apiKey":"` + fakeZAI + `"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, hit := range keysIn(data) {
			if value := hit.secret.Reveal(); len(value) < minKey || len(value) > maxKey || strings.Contains(hit.Masked, value) {
				t.Fatalf("finding %+v", hit)
			}
		}
	})
}

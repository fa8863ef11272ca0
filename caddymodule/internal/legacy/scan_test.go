package legacy

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScan_FindsKeysByShapeAndByNameAndShowsNone(t *testing.T) {
	dir := t.TempDir()
	cerebras := "csk-" + strings.Repeat("fake", 12)
	dense := "a1b2c3d4e5f6g7h8i9fake"
	write(t, filepath.Join(dir, "a", "settings.json"), `{"env":{"ANTHROPIC_AUTH_TOKEN":"`+fakeZAI+`"},"note":"YOUR_API_KEY_HERE"}`)
	write(t, filepath.Join(dir, "b.toml"), "[deepseek]\nDEEPSEEK_API_KEY = \""+dense+"\" # mine\nname = \"a1b2c3d4e5f6g7h8i9name\"\n")
	write(t, filepath.Join(dir, ".env"), "A="+cerebras+"\r\nB="+cerebras+"\n")
	write(t, filepath.Join(dir, "node_modules", "x.json"), `{"apiKey":"`+fakeSynthetic+`"}`)
	write(t, filepath.Join(dir, "notes.txt"), fakeSynthetic)
	got, err := Scan(dir)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, f := range got.Findings {
		seen = append(seen, fmt.Sprintf("%s:%d %s %s %s", strings.TrimPrefix(f.File, dir), f.Line, f.Name, f.Vendor, f.Masked))
	}
	want := []string{
		"/.env:1 A cerebras csk-…fake",
		"/a/settings.json:1 ANTHROPIC_AUTH_TOKEN zai 0123…0001",
		"/b.toml:2 DEEPSEEK_API_KEY deepseek a1b2…fake",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	text, err := json.Marshal(got)
	if shown := string(text) + fmt.Sprintf("%+v %#v", got, got); err != nil || strings.Contains(shown, dense) || strings.Contains(shown, cerebras) || strings.Contains(shown, fakeZAI) {
		t.Errorf("a key is shown in clear, or %v", err)
	}
}

func TestScannedKeys_AreTheChosenOnesWithAnAddress(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x.json"), `{"a":"`+fakeZAI+`","b":"`+fakeSynthetic+`"}`)
	scanned, err := Scan(dir)
	if err != nil {
		t.Fatal(err)
	}
	keys := scanned.Keys(Options{}, func(f Finding) bool { return f.Vendor == "synthetic" })
	if len(keys) != 1 || keys[0].ID != "synthetic-main" || keys[0].Origin != "https://api.synthetic.new" || keys[0].Secret.Reveal() != fakeSynthetic {
		t.Errorf("keys %v", keys)
	}
	if all := scanned.Keys(Options{}, nil); len(all) != 2 {
		t.Errorf("all keys: %v", all)
	}
}

func TestScan_IsBounded(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	for i := range 2 * maxFindings {
		fmt.Fprintf(&b, "K%d=syn_fake%026d\n", i, i)
	}
	write(t, filepath.Join(dir, "x.env"), b.String())
	got, err := Scan(dir)
	if err != nil || len(got.Findings) != maxFindings {
		t.Errorf("%d findings, %v", len(got.Findings), err)
	}
}

func TestJudge_TellsKeysFromWhatStoodInTheirPlace(t *testing.T) {
	for raw, want := range map[string]verdictOfKey{
		fakeZAI: usable, fakeSynthetic: usable, "Bearer " + fakeSynthetic: usable, "12345678": usable,
		"": absent, "   ": absent, "${ZAI_API_KEY}": reference, "$ZAI_API_KEY": reference, "${ZAI_API_KEY:-none}": reference,
		"***ENCRYPTED***": encrypted, "***REDACTED***": encrypted, "abcd***REDACTED***wxyz": encrypted, "encrypted:AAAA": encrypted,
		"DUMMY_KEY_REPLACE_ME": placeholder, "YOUR_API_KEY_HERE": placeholder, "YOUR_ZAI_API_KEY": placeholder,
		"your-api-key": placeholder, "REPLACE_WITH_YOUR_API_KEY": placeholder, "test-key": placeholder, "test_key": placeholder,
		"dummy-key": placeholder, "synthetic-key": placeholder, "synthetic-test-key": placeholder, "zai-demo-key": placeholder,
		"<api-key>": placeholder, "xxxxxxxxxxxxxxxxxxxx": placeholder, "${not a name}": placeholder,
		"short": malformed, "has a space in it": malformed, "caf\u00e9-caf\u00e9-caf\u00e9": malformed, strings.Repeat("ab", maxKey): malformed,
	} {
		if got := judge(raw); got.verdict != want {
			t.Errorf("judge(%.40q) = %d, want %d", raw, got.verdict, want)
		}
	}
}

func TestMask_ShowsTheEndsOfLongKeysOnly(t *testing.T) {
	for secret, want := range map[string]string{"": "****", "short": "****", strings.Repeat("a", 19): "****", fakeSynthetic: "syn_…0001"} {
		if got := Mask(secret); got != want {
			t.Errorf("Mask(%q) = %q, want %q", secret, got, want)
		}
	}
}

package schema_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aimux/aimux/schema"
)

func TestParseSecretRef(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       schema.SecretRef
		ok         bool
	}{
		{"variable", "env:ZAI_API_KEY", schema.SecretRef{Scheme: "env", Name: "ZAI_API_KEY"}, true},
		{"numbered variable", "env:CEREBRAS_API_KEY_2", schema.SecretRef{Scheme: "env", Name: "CEREBRAS_API_KEY_2"}, true},
		{"long variable", "env:VERYLONGCOMPANYNAME2024KEY99", schema.SecretRef{Scheme: "env", Name: "VERYLONGCOMPANYNAME2024KEY99"}, true},
		{"file", "file:/run/secrets/zai", schema.SecretRef{Scheme: "file", Name: "/run/secrets/zai"}, true},
		{"relative file", "file:keys/zai.txt", schema.SecretRef{Scheme: "file", Name: "keys/zai.txt"}, true},
		{"file with a colon", "file:C:/keys/zai", schema.SecretRef{Scheme: "file", Name: "C:/keys/zai"}, true},
		{"vault", "vault:zai-main", schema.SecretRef{Scheme: "vault", Name: "zai-main"}, true},
		{"empty", "", schema.SecretRef{}, false},
		{"no scheme", "hunter2", schema.SecretRef{}, false},
		{"unknown scheme", "op:vault/item", schema.SecretRef{}, false},
		{"no name", "env:", schema.SecretRef{}, false},
		{"name with a dash", "env:ZAI-KEY", schema.SecretRef{}, false},
		{"name with a digit first", "env:2KEY", schema.SecretRef{}, false},
		{"directory", "file:/run/secrets/", schema.SecretRef{}, false},
		{"file with a line break", "file:/run\n/x", schema.SecretRef{}, false},
		{"key behind env", "env:sk_live_AbCdEfGhIjKlMnOp", schema.SecretRef{}, false},
		{"key behind vault", "vault:sk-ant-api03-AbCdEfGhIjKlMnOp", schema.SecretRef{}, false},
		{"hexadecimal key behind env", "env:abcdef0123456789abcdef0123456789", schema.SecretRef{}, false},
		{"path upwards in vault", "vault:../x", schema.SecretRef{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := schema.ParseSecretRef(tc.text)
			if got != tc.want || (err == nil) != tc.ok {
				t.Fatalf("got %#v, %v; want %#v", got, err, tc.want)
			}
			if err != nil && len(tc.text) > 4 && strings.Contains(err.Error(), tc.text) {
				t.Errorf("the error repeats the text: %v", err)
			}
			if tc.ok && got.String() != tc.text {
				t.Errorf("String is %q, want %q", got, tc.text)
			}
		})
	}
}

func TestSecretRef_Resolve(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good", "hunter2\n")
	padded := write(t, dir, "padded", "\r\n  hunter2 \r\n\n")
	empty := write(t, dir, "empty", "\n")
	twoLines := write(t, dir, "two", "hunter2\nhunter3\n")
	large := write(t, dir, "large", strings.Repeat("hunter2", 10_000))
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"SET": "hunter2", "NEWLINE": "hunter2\n", "EMPTY": ""}[name]
		return v, ok
	}
	for _, tc := range []struct{ name, ref, want, err string }{
		{"variable", "env:SET", "hunter2", ""},
		{"variable with a line end", "env:NEWLINE", "hunter2", ""},
		{"variable not set", "env:MISSING", "", "secret env:MISSING: the environment variable is not set"},
		{"variable empty", "env:EMPTY", "", "secret env:EMPTY: it is empty"},
		{"file", "file:" + good, "hunter2", ""},
		{"file behind a link", "file:" + link, "hunter2", ""},
		{"file with space around", "file:" + padded, "hunter2", ""},
		{"file not there", "file:/nonexistent/x", "", "secret file:/nonexistent/x: no such file or directory"},
		{"file empty", "file:" + empty, "", "secret file:" + empty + ": it is empty"},
		{"file of two lines", "file:" + twoLines, "", "secret file:" + twoLines + ": it has a line break or another control character within"},
		{"file too large", "file:" + large, "", "secret file:" + large + ": the file is larger than 64 KiB"},
		{"pipe", "file:" + fifo, "", "secret file:" + fifo + ": it is a pipe, not a regular file"},
		{"directory", "file:" + dir, "", "secret file:" + dir + ": it is a directory, not a file"},
		{"device", "file:/dev/zero", "", "secret file:/dev/zero: it is not a regular file"},
		{"vault", "vault:zai-main", "", "secret vault:zai-main: it is in the vault, which only a running gateway and the keys commands open"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ref, err := schema.ParseSecretRef(tc.ref)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ref.Resolve(env)
			if got != tc.want || fmt.Sprint(err) != tc.err && (err != nil || tc.err != "") {
				t.Errorf("got %q, %v; want %q, %s", got, err, tc.want, tc.err)
			}
		})
	}
}

func TestSecretRef_ResolveReadsFilesAsItIsTold(t *testing.T) {
	ref := schema.SecretRef{Scheme: "file", Name: "zai"}
	got, err := ref.Resolve(nil, func(path string) ([]byte, error) { return []byte("from " + path + "\n"), nil })
	if got != "from zai" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := (schema.SecretRef{}).Resolve(nil); err == nil {
		t.Error("the zero value resolves")
	}
}

func TestSecretRef_PrintsAsReference(t *testing.T) {
	ref := schema.SecretRef{Scheme: "env", Name: "ZAI_API_KEY"}
	data, err := json.Marshal(map[string]any{"secret": ref})
	if err != nil || string(data) != `{"secret":"env:ZAI_API_KEY"}` {
		t.Errorf("JSON is %s, %v", data, err)
	}
	var back schema.SecretRef
	if err := back.UnmarshalText([]byte("vault:a")); err != nil || back.String() != "vault:a" {
		t.Errorf("read back %v, %v", back, err)
	}
	if fmt.Sprint(schema.SecretRef{}) != "" {
		t.Errorf("the zero value prints %q", schema.SecretRef{})
	}
}

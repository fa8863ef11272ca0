package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

func TestArchive_GoesRoundWithContentsModesAndNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	writeFile(t, path, strings.Repeat("row ", 100_000))
	id := identity(t)
	sealed := archive(t, id.Recipient(), content("config/aimux.toon", "version: 1\n"), content("empty", ""), file("ledger.db", path))
	if bytes.Contains(sealed, []byte("version: 1")) {
		t.Fatal("the archive is not encrypted")
	}
	m, err := Verify(t.Context(), bytes.NewReader(sealed), nil, id)
	if err != nil {
		t.Fatal(err)
	}
	if m.Program != "test" || !m.Created.Equal(testDay) || len(m.Items) != 3 || m.Items[2].Size != 400_000 {
		t.Errorf("manifest %+v", m)
	}
	s, err := Stage(t.Context(), bytes.NewReader(sealed), t.TempDir(), nil, nil, id)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"config/aimux.toon": "version: 1\n", "empty": "", "ledger.db": strings.Repeat("row ", 100_000)}
	if diff := cmp.Diff(want, tree(t, s.Dir)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(filepath.Join(s.Dir, "ledger.db"))
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := s.Discard(); err != nil {
		t.Error(err)
	}
}

func TestArchive_OpensWithItsPassphraseOnly(t *testing.T) {
	to, err := passphrase("correct horse", 10)
	if err != nil {
		t.Fatal(err)
	}
	sealed := archive(t, to, content("a", "x"))
	for phrase, want := range map[string]error{"correct horse": nil, "wrong horse!": ErrKey} {
		id, err := Unlock(phrase)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), bytes.NewReader(sealed), nil, id); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", phrase, err, want)
		}
	}
	if _, err := Verify(t.Context(), bytes.NewReader(sealed), nil, identity(t)); !errors.Is(err, ErrKey) && !errors.Is(err, ErrDamaged) {
		t.Errorf("an identity: %v", err)
	}
	if _, err := Passphrase("short"); err == nil {
		t.Error("a passphrase of 5 characters was taken")
	}
	if _, err := Passphrase("eight ch"); err != nil {
		t.Error(err)
	}
}

func TestArchive_AnUnreasonableWorkFactorIsRefusedBeforeTheWork(t *testing.T) {
	header := "age-encryption.org/v1\n-> scrypt rF0/NwblUHHTpgQgRpe5CQ 30\ngUjEymFKMVXQEKdMMHL24oYexjE3TIC0O0zGSqJ2aUY\n--- IL6ZfXsGhS8+TZfpZfZvCC3kRi0hnQXiOTRSQ2MPBVw\n"
	id, _ := Unlock("password")
	if _, err := Verify(t.Context(), strings.NewReader(header), nil, id); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

func TestArchive_CutOffAnywhereIsDamagedAndLeavesNothing(t *testing.T) {
	id := identity(t)
	sealed := archive(t, id.Recipient(), content("a", strings.Repeat("abc", 500)), content("b", "x"))
	parent := t.TempDir()
	for cut := 0; cut < len(sealed); cut += 1 + cut%4 {
		_, err := Verify(t.Context(), bytes.NewReader(sealed[:cut]), nil, id)
		if cut%8 == 0 {
			_, err = Stage(t.Context(), bytes.NewReader(sealed[:cut]), parent, nil, nil, id)
		}
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrKey) {
			t.Fatalf("cut at %d of %d: %v", cut, len(sealed), err)
		}
	}
	if left, _ := os.ReadDir(parent); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestArchive_AChangedByteAnywhereIsNoticed(t *testing.T) {
	id := identity(t)
	sealed := archive(t, id.Recipient(), content("a", strings.Repeat("abc", 100)))
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := Verify(t.Context(), bytes.NewReader(changed), nil, id); err == nil {
			t.Fatalf("byte %d: no error", i)
		}
	}
	if _, err := Verify(t.Context(), bytes.NewReader(append(bytes.Clone(sealed), 0)), nil, id); err == nil {
		t.Error("a byte more: no error")
	}
}

func put(w *tar.Writer, h tar.Header, text string) {
	h.Size = int64(len(text))
	if h.Mode == 0 {
		h.Mode = 0o600
	}
	_ = w.WriteHeader(&h)
	_, _ = io.WriteString(w, text)
}

func manifestText(change func(*Manifest)) string {
	m := Manifest{Format: manifestFormat, Version: manifestVersion, Created: testDay}
	change(&m)
	text, _ := json.Marshal(m)
	return string(text)
}

func TestArchive_WhatNoBackupHoldsIsRefused(t *testing.T) {
	none := manifestText(func(*Manifest) {})
	reg := func(name, text string) func(*tar.Writer) {
		return func(w *tar.Writer) { put(w, tar.Header{Typeflag: tar.TypeReg, Name: name}, text) }
	}
	special := func(kind byte) func(*tar.Writer) {
		return func(w *tar.Writer) {
			put(w, tar.Header{Typeflag: kind, Name: "a", Linkname: "/etc/passwd"}, "")
		}
	}
	for name, c := range map[string]struct {
		write func(*tar.Writer)
		want  error
	}{
		"symlink":        {special(tar.TypeSymlink), ErrRefused},
		"hard link":      {special(tar.TypeLink), ErrRefused},
		"device":         {special(tar.TypeChar), ErrRefused},
		"pipe":           {special(tar.TypeFifo), ErrRefused},
		"directory":      {special(tar.TypeDir), ErrRefused},
		"parent":         {reg("../a", "x"), ErrRefused},
		"parent within":  {reg("a/../../b", "x"), ErrRefused},
		"absolute":       {reg("/etc/passwd", "x"), ErrRefused},
		"backslash":      {reg(`..\a`, "x"), ErrRefused},
		"control":        {reg("a\nb", "x"), ErrRefused},
		"very long name": {reg(strings.Repeat("a", 300), "x"), ErrRefused},
		"very deep":      {reg(strings.Repeat("a/", 20)+"b", "x"), ErrRefused},
		"twice":          {func(w *tar.Writer) { reg("a", "x")(w); reg("a", "y")(w) }, ErrRefused},
		"large": {func(w *tar.Writer) {
			_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: maxItem + 1})
		}, ErrRefused},
		"too many": {func(w *tar.Writer) {
			for i := range maxItems + 1 {
				reg(fmt.Sprint(i), "")(w)
			}
		}, ErrRefused},
		"empty":           {func(*tar.Writer) {}, ErrDamaged},
		"no manifest":     {reg("a", "x"), ErrDamaged},
		"not in manifest": {func(w *tar.Writer) { reg("a", "x")(w); reg(manifestName, none)(w) }, ErrDamaged},
		"not there":       {reg(manifestName, manifestText(func(m *Manifest) { m.Items = []Entry{{Name: "a"}} })), ErrDamaged},
		"other sum": {func(w *tar.Writer) {
			reg("a", "x")(w)
			reg(manifestName, manifestText(func(m *Manifest) { m.Items = []Entry{{"a", 1, 0o600, "00"}} }))(w)
		}, ErrDamaged},
		"more after it":  {func(w *tar.Writer) { reg(manifestName, none)(w); reg("a", "x")(w) }, ErrDamaged},
		"other format":   {reg(manifestName, manifestText(func(m *Manifest) { m.Format = "x" })), ErrDamaged},
		"future version": {reg(manifestName, manifestText(func(m *Manifest) { m.Version = 2 })), ErrRefused},
		"huge manifest": {func(w *tar.Writer) {
			_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: maxManifest + 1})
		}, ErrRefused},
		"no json": {reg(manifestName, "{"), ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			id, parent := identity(t), t.TempDir()
			sealed := rawArchive(t, id.Recipient(), c.write)
			_, err := Stage(t.Context(), bytes.NewReader(sealed), parent, nil, nil, id)
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if left, _ := os.ReadDir(parent); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// rawArchive seals a tar file made by hand, whole or not.
func rawArchive(t testing.TB, to age.Recipient, write func(*tar.Writer)) []byte {
	t.Helper()
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	write(w)
	_ = w.Close()
	return seal(t, to, plain.Bytes())
}

func seal(t testing.TB, to age.Recipient, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	sealed, err := age.Encrypt(&b, to)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sealed.Write(plain)
	if err = errors.Join(err, sealed.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchive_ALargeItemNeedsItsOwnCap(t *testing.T) {
	id := identity(t)
	item := content("ledger.db", strings.Repeat("x", 2000))
	item.Cap = 1000
	if _, err := Create(t.Context(), io.Discard, []Item{item}, Info{}, id.Recipient()); err == nil {
		t.Error("more than its cap was saved")
	}
	item.Cap = 0
	sealed := archive(t, id.Recipient(), item)
	if _, err := Verify(t.Context(), bytes.NewReader(sealed), Caps{"ledger.db": 1999}, id); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	if _, err := Verify(t.Context(), bytes.NewReader(sealed), Caps{"ledger.db": 2000}, id); err != nil {
		t.Error(err)
	}
}

// growing is a file that has more in it than it said.
type growing struct{ io.Reader }

func (growing) Close() error               { return nil }
func (growing) Stat() (fs.FileInfo, error) { return size(4), nil }

type size int64

func (s size) Size() int64      { return int64(s) }
func (size) Mode() fs.FileMode  { return 0o600 }
func (size) Name() string       { return "" }
func (size) IsDir() bool        { return false }
func (size) Sys() any           { return nil }
func (size) ModTime() time.Time { return testDay }

func TestCreate_FailsClearly(t *testing.T) {
	id := identity(t)
	open := func(r io.ReadCloser, err error) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return r, err }
	}
	for name, items := range map[string][]Item{
		"cannot be opened": {{Name: "a", Open: open(nil, fs.ErrPermission)}},
		"bad name":         {content("../a", "")},
		"manifest's name":  {content(manifestName, "")},
		"twice":            {content("a", ""), content("a", "")},
		"grows":            {{Name: "a", Open: open(growing{strings.NewReader("12345")}, nil)}},
		"shrinks":          {{Name: "a", Open: open(growing{strings.NewReader("123")}, nil)}},
		"too many":         make([]Item, maxItems+1),
		"directory":        {file("a", t.TempDir())},
	} {
		if _, err := Create(t.Context(), io.Discard, items, Info{}, id.Recipient()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Create(t.Context(), io.Discard, nil, Info{}); err == nil {
		t.Error("without a recipient: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Create(ctx, io.Discard, []Item{content("a", "x")}, Info{}, id.Recipient()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	sealed := archive(t, id.Recipient(), content("a", "x"))
	if _, err := Verify(ctx, bytes.NewReader(sealed), nil, id); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestStage_WhatDoesNotValidateIsRemoved(t *testing.T) {
	id, parent := identity(t), t.TempDir()
	sealed := archive(t, id.Recipient(), content("aimux.toon", "nonsense"))
	wrong := errors.New("not a configuration")
	_, err := Stage(t.Context(), bytes.NewReader(sealed), parent, nil, func(m *Manifest, files fs.FS) error {
		if data, err := fs.ReadFile(files, "aimux.toon"); err != nil || string(data) != "nonsense" {
			t.Errorf("validating sees %q, %v", data, err)
		}
		return wrong
	}, id)
	if !errors.Is(err, wrong) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(parent); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func FuzzUnpack(f *testing.F) {
	id := identity(f)
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	put(w, tar.Header{Typeflag: tar.TypeReg, Name: "a"}, "x")
	put(w, tar.Header{Typeflag: tar.TypeReg, Name: manifestName}, manifestText(func(m *Manifest) {
		m.Items = []Entry{{"a", 1, 0o600, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}
	}))
	_ = w.Close()
	f.Add(plain.Bytes())
	f.Fuzz(func(t *testing.T, plain []byte) {
		parent := t.TempDir()
		s, err := Stage(t.Context(), bytes.NewReader(seal(t, id.Recipient(), plain)), parent, nil, nil, id)
		if err == nil {
			_ = s.Discard()
		} else if !errors.Is(err, ErrRefused) && !errors.Is(err, ErrDamaged) {
			t.Errorf("%v", err)
		}
		if left, _ := os.ReadDir(parent); len(left) > 0 {
			t.Errorf("left %v", left)
		}
	})
}

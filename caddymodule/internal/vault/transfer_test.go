package vault

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

const phrase = "correct horse battery"

// quick is a passphrase's seal that does not cost a second.
func quick(text string) Seal { return Seal{Passphrase: secret.New(text), effort: 10} }

func export(t testing.TB, v *Vault, to Seal) []byte {
	t.Helper()
	var out bytes.Buffer
	if n, err := v.Export(&out, to); err != nil || n != 2 {
		t.Fatalf("%d keys, %v", n, err)
	}
	if bytes.Contains(out.Bytes(), []byte("canary")) || bytes.Contains(out.Bytes(), []byte("zai")) {
		t.Fatal("an export shows what is in it")
	}
	return out.Bytes()
}

func TestExport_OpensElsewhereWithThePassphrase(t *testing.T) {
	from, _ := small(t)
	if _, err := from.SetEnabled(t.Context(), "zai-main", false); err != nil {
		t.Fatal(err)
	}
	to := mustInit(t, place(t))
	done, err := to.Import(t.Context(), bytes.NewReader(export(t, from, quick(phrase))), Unseal{Passphrase: secret.New(phrase)}, Refuse)
	if err != nil || !slices.Equal(done.Added, []string{"minimax-main", "zai-main"}) {
		t.Fatalf("imported %+v, %v", done, err)
	}
	mustGet(t, to, "minimax-main", minimax, "second-secret-of-minimax")
	_, err = to.Get("zai-main", zai)
	mustFail(t, err, ErrDisabled)
}

func TestExport_OpensElsewhereWithAnIdentity(t *testing.T) {
	from, _ := small(t)
	mine, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, _ := age.GenerateX25519Identity()
	data := export(t, from, Seal{Recipients: []string{other.Recipient().String(), mine.Recipient().String()}})
	to := mustInit(t, place(t))
	if _, err := to.Import(t.Context(), bytes.NewReader(data), Unseal{Identities: []secret.Text{secret.New(mine.String())}}, Refuse); err != nil {
		t.Fatal(err)
	}
	mustGet(t, to, "zai-main", zai, canary)
	stranger, _ := age.GenerateX25519Identity()
	_, err = to.Import(t.Context(), bytes.NewReader(data), Unseal{Identities: []secret.Text{secret.New(stranger.String())}}, Skip)
	mustFail(t, err, ErrWrongKey)
}

func TestImport_TextFormOfAge(t *testing.T) {
	from, _ := small(t)
	var text bytes.Buffer
	w := armor.NewWriter(&text)
	if _, err := w.Write(export(t, from, quick(phrase))); err != nil {
		t.Fatal(err)
	}
	w.Close()
	to := mustInit(t, place(t))
	if _, err := to.Import(t.Context(), &text, Unseal{Passphrase: secret.New(phrase)}, Refuse); err != nil {
		t.Fatal(err)
	}
	mustGet(t, to, "zai-main", zai, canary)
}

func TestImport_KeysThatAreThereAlready(t *testing.T) {
	from, _ := small(t)
	data := export(t, from, quick(phrase))
	for name, test := range map[string]struct {
		conflict OnConflict
		want     Imported
		secret   string
		err      error
	}{
		"refused":  {Refuse, Imported{}, "mine-all-along", ErrExists},
		"skipped":  {Skip, Imported{Added: []string{"minimax-main"}, Skipped: []string{"zai-main"}}, "mine-all-along", nil},
		"replaced": {Replace, Imported{Added: []string{"minimax-main"}, Replaced: []string{"zai-main"}}, canary, nil},
	} {
		t.Run(name, func(t *testing.T) {
			to := mustInit(t, place(t))
			mustAdd(t, to, "zai-main", zai, "mine-all-along")
			got, err := to.Import(t.Context(), bytes.NewReader(data), Unseal{Passphrase: secret.New(phrase)}, test.conflict)
			if test.err != nil {
				mustFail(t, err, test.err, "zai-main")
			} else if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("imported (-want +got):\n%s", d)
			}
			mustGet(t, to, "zai-main", zai, test.secret)
			if _, err := to.Get("minimax-main", minimax); (err == nil) != (test.err == nil) {
				t.Errorf("half an import: %v", err)
			}
		})
	}
}

// packed seals any text as an export.
func packed(t *testing.T, text string) []byte {
	t.Helper()
	recipients, err := quick(phrase).recipients()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipients...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return out.Bytes()
}

func TestImport_BadExports(t *testing.T) {
	from, _ := small(t)
	good := export(t, from, quick(phrase))
	flipped := bytes.Clone(good)
	flipped[len(flipped)-5] ^= 1
	hostile, err := age.NewScryptRecipient(phrase)
	if err != nil {
		t.Fatal(err)
	}
	hostile.SetWorkFactor(10)
	var slow bytes.Buffer
	w, _ := age.Encrypt(&slow, hostile)
	w.Close()
	stall := bytes.Replace(slow.Bytes(), []byte(" 10\n"), []byte(" 21\n"), 1)
	one := func(id, origin, text string) string {
		return `{"format":"aimux keys","version":1,"keys":[{"id":"` + id + `","origin":"` + origin + `","enabled":true,"secret":"` + text + `"}]}`
	}
	for name, test := range map[string]struct {
		data []byte
		with Unseal
		kind error
		says string
	}{
		"a wrong passphrase":     {good, Unseal{Passphrase: secret.New("incorrect horse")}, ErrWrongKey, ""},
		"nothing to open with":   {good, Unseal{}, ErrInvalid, "passphrase or an identity"},
		"an identity that is no": {good, Unseal{Identities: []secret.Text{secret.New("canary")}}, ErrInvalid, "AGE-SECRET-KEY"},
		"cut":                    {good[:len(good)-9], Unseal{Passphrase: secret.New(phrase)}, ErrDamaged, "cut or changed"},
		"a flipped bit":          {flipped, Unseal{Passphrase: secret.New(phrase)}, ErrDamaged, "cut or changed"},
		"a cost that stalls":     {stall, Unseal{Passphrase: secret.New(phrase)}, ErrDamaged, "work factor too large"},
		"nothing":                {nil, Unseal{Passphrase: secret.New(phrase)}, ErrDamaged, ""},
		"something else":         {[]byte("hello"), Unseal{Passphrase: secret.New(phrase)}, ErrDamaged, ""},
		"an age file of others":  {packed(t, "hello"), Unseal{Passphrase: secret.New(phrase)}, ErrDamaged, "no keys of aimux"},
		"a newer version":        {packed(t, `{"format":"aimux keys","version":2}`), Unseal{Passphrase: secret.New(phrase)}, ErrVersion, "2"},
		"a bad id":               {packed(t, one("../x", string(zai), "s")), Unseal{Passphrase: secret.New(phrase)}, ErrInvalid, "id"},
		"a bad origin":           {packed(t, one("x", "ftp://x", "s")), Unseal{Passphrase: secret.New(phrase)}, ErrInvalid, "https://"},
		"an empty secret":        {packed(t, one("x", string(zai), "")), Unseal{Passphrase: secret.New(phrase)}, ErrInvalid, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			to := mustInit(t, place(t))
			_, err := to.Import(t.Context(), bytes.NewReader(test.data), test.with, Skip)
			mustFail(t, err, test.kind, test.says)
			if to.Generation() != 1 {
				t.Error("a bad export was written")
			}
		})
	}
}

func TestExport_NeedsOneWayToOpenIt(t *testing.T) {
	v, _ := small(t)
	for name, test := range map[string]struct {
		to   Seal
		says string
	}{
		"none":                  {Seal{}, "one of them"},
		"both":                  {Seal{Passphrase: secret.New(phrase), Recipients: []string{"age1"}}, "one of them"},
		"a short passphrase":    {Seal{Passphrase: secret.New("canary")}, "12"},
		"a recipient that's no": {Seal{Recipients: []string{"canary"}}, "age1"},
	} {
		_, err := v.Export(io.Discard, test.to)
		mustFail(t, err, ErrInvalid, test.says)
		if !strings.Contains(err.Error(), "exporting") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

func TestOpen_EveryFlippedBitIsNoticed(t *testing.T) {
	_, opts := small(t)
	whole, err := os.ReadFile(opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	v := &Vault{opts: opts}
	known := mustOpen(t, opts).state.Load().keys
	kinds := map[error]int{}
	for i := range whole {
		for bit := range 8 {
			data := bytes.Clone(whole)
			data[i] ^= 1 << bit
			err := readAs(v, data, known)
			if err == nil {
				t.Fatalf("byte %d, bit %d (%q to %q): not noticed", i, bit, whole[i], data[i])
			}
			var e *Error
			if !errors.As(err, &e) || e.Problem == "" || e.Mend == "" {
				t.Fatalf("byte %d, bit %d: %v says not what is wrong or how to mend it", i, bit, err)
			}
			kinds[e.Kind]++
		}
	}
	t.Logf("%d bytes, %d flips: %v", len(whole), 8*len(whole), kinds)
	if kinds[ErrDamaged] < len(whole)*7 {
		t.Errorf("kinds of errors: %v", kinds)
	}
}

// readAs is Open of these bytes, without the files around it.
func readAs(v *Vault, data []byte, known *keyset) error {
	d, err := parse(data)
	if err != nil {
		return err
	}
	m := material{known.kek, known.kind, known.where}
	k, err := newKeyset(m, d.ID)
	if err != nil {
		return err
	}
	if k.id != d.KEKID {
		return wrongKey(d, []*keyset{k})
	}
	_, err = load(d, k)
	return err
}

func TestOpen_EveryCutIsNoticed(t *testing.T) {
	_, opts := small(t)
	whole, _ := os.ReadFile(opts.Path)
	known := mustOpen(t, opts).state.Load().keys
	for n := range whole {
		if err := readAs(&Vault{opts: opts}, whole[:n], known); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut after %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

// edited changes the text of the file with a regular expression, once.
func edited(pattern, with string) func([]byte) []byte {
	return func(data []byte) []byte {
		re := regexp.MustCompile(pattern)
		at := re.FindSubmatchIndex(data)
		if at == nil {
			panic("nothing in the file matches " + pattern)
		}
		out := re.Expand(nil, []byte(with), data, at)
		return slices.Concat(data[:at[0]], out, data[at[1]:])
	}
}

func TestOpen_BadFiles(t *testing.T) {
	for name, test := range map[string]struct {
		change func([]byte) []byte
		kind   error
		says   []string
	}{
		"two secrets swapped": {func(d []byte) []byte {
			re := regexp.MustCompile(`"sealed": "[^"]{60,}"`)
			at := re.FindAllIndex(d, -1)
			a, b := at[len(at)-2], at[len(at)-1]
			return slices.Concat(d[:a[0]], d[b[0]:b[1]], d[a[1]:b[0]], d[a[0]:a[1]], d[b[1]:])
		}, ErrDamaged, []string{`record "minimax-main"`, "moved from another record", "backup"}},
		"two records in the other order": {edited(`(?s)(  \{\n   "id": "minimax-main".*?\n  \}),\n(.*?\n  \})\n`, "$2,\n$1\n"), ErrDamaged, []string{`record "minimax-main"`, "out of order"}},
		"a record removed":               {edited(`(?s)  \{\n   "id": "minimax-main".*?\n  \},\n`, ""), ErrDamaged, []string{"mac", "number of keys"}},
		"a record twice":                 {edited(`(?s)(  \{\n   "id": "minimax-main".*?\n  \},\n)`, "$1$1"), ErrDamaged, []string{`"minimax-main"`, "twice"}},
		"another origin":                 {edited(`https://api.z.ai:443`, "https://evil.example:443"), ErrDamaged, []string{`record "zai-main"`, "its origin was changed"}},
		"an origin that is none":         {edited(`https://api.z.ai:443`, "gopher://api.z.ai"), ErrDamaged, []string{`record "zai-main"`, "origin"}},
		"another version of a record":    {edited(`"version": 1,\n   "created"`, "\"version\": 2,\n   \"created\""), ErrDamaged, []string{`record "minimax-main"`, "older version"}},
		"a key enabled by hand":          {edited(`"enabled": true`, `"enabled": false`), ErrDamaged, []string{"mac", "plain field"}},
		"an older generation by hand":    {edited(`"generation": 3`, `"generation": 9`), ErrDamaged, []string{"mac"}},
		"generation zero":                {edited(`"generation": 3`, `"generation": 0`), ErrDamaged, []string{"generation"}},
		"another id":                     {edited(`"id": "[0-9a-f]{32}"`, `"id": "00000000000000000000000000000000"`), ErrDamaged, []string{"deks", "another keystore"}},
		"another name of the key":        {edited(`"kek_id": "[0-9a-f]{16}"`, `"kek_id": "0000000000000000"`), ErrDamaged, []string{"kek_id"}},
		"no active data key":             {edited(`"active": true`, `"active": false`), ErrDamaged, []string{"deks", "0 of 1"}},
		"a newer version":                {edited(`"version": 1`, `"version": 2`), ErrVersion, []string{"version", "2", "newer aimux"}},
		"version zero":                   {edited(`"version": 1`, `"version": 0`), ErrDamaged, []string{"version"}},
		"another format":                 {edited(`aimux keystore`, `bitcoin wallet`), ErrDamaged, []string{"format", "bitcoin wallet"}},
		"an unknown field":               {edited(`"format"`, `"extra": 1, "format"`), ErrDamaged, []string{"extra"}},
		"an empty file":                  {func([]byte) []byte { return nil }, ErrDamaged, []string{"empty"}},
		"half a file":                    {func(d []byte) []byte { return d[:len(d)/2] }, ErrDamaged, []string{"ends too early"}},
		"a file of zeroes":               {func(d []byte) []byte { return make([]byte, len(d)) }, ErrDamaged, []string{"line 1", "not JSON"}},
		"text after the end":             {func(d []byte) []byte { return append(d, "x"...) }, ErrDamaged, []string{"byte", "added after the end"}},
		"white space after the end":      {func(d []byte) []byte { return append(d, "\n"...) }, ErrDamaged, []string{"the end"}},
		"the same file twice":            {func(d []byte) []byte { return append(d, d...) }, ErrDamaged, []string{"added after the end"}},
		"a file of 17 MiB":               {func(d []byte) []byte { return append(d, bytes.Repeat([]byte(" "), 17<<20)...) }, ErrDamaged, []string{"larger than 16 MiB"}},
		"a deep pit":                     {func([]byte) []byte { return bytes.Repeat([]byte(`{"format":`), 1<<19) }, ErrDamaged, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, opts := small(t)
			rewrite(t, opts.Path, test.change)
			before, _ := os.ReadFile(opts.Path)
			_, err := Open(t.Context(), opts)
			mustFail(t, err, test.kind, append(test.says, opts.Path)...)
			if after, _ := os.ReadFile(opts.Path); !bytes.Equal(before, after) {
				t.Error("a file that cannot be read was changed")
			}
		})
	}
}

func TestOpen_StructureIsCheckedHoweverItWasAuthenticated(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*document)
		says   string
	}{
		"a record twice":         {func(d *document) { d.Records = append(d.Records, d.Records[1]) }, "twice"},
		"records out of order":   {func(d *document) { slices.Reverse(d.Records) }, "out of order"},
		"an unknown data key":    {func(d *document) { d.Records[0].DEK = "0011223344556677" }, "not in the file"},
		"a data key twice":       {func(d *document) { d.DEKs = append(d.DEKs, d.DEKs[0]) }, "there twice"},
		"two active data keys":   {func(d *document) { d.DEKs = append(d.DEKs, d.DEKs[0]); d.DEKs[1].ID = "0011223344556677" }, "2 of 2"},
		"a record of version 0":  {func(d *document) { d.Records[0].Version = 0 }, "version is 0"},
		"an id that is a path":   {func(d *document) { d.Records[0].ID = "../../x" }, "id is not one"},
		"a name with a newline":  {func(d *document) { d.Records[0].Name = "x\ny" }, "name is not one"},
		"an old secret replayed": {func(d *document) { d.Records[0].Version++ }, "older version"},
		"more keys than allowed": {func(d *document) { d.Records = make([]record, maxRecords+1) }, "at most 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			v, opts := small(t)
			forge(t, v, test.change)
			_, err := Open(t.Context(), opts)
			if name == "an old secret replayed" { // the MAC holds, so only using the key shows it
				if err != nil {
					t.Fatal(err)
				}
				_, err = mustOpen(t, opts).Get("minimax-main", minimax)
			}
			mustFail(t, err, ErrDamaged, test.says)
		})
	}
}

func TestOpen_AWrongKeyIsRefusedAndNoNewOneMade(t *testing.T) {
	_, opts := small(t)
	other := place(t)
	mustInit(t, other)
	wrong := opts
	wrong.Key.KeyFile = other.Key.KeyFile
	_, err := Open(t.Context(), wrong)
	mustFail(t, err, ErrWrongKey, opts.Path, other.Key.KeyFile, "never makes a new one")
	wrong.Key.KeyFile = filepath.Join(filepath.Dir(opts.Key.KeyFile), "lost")
	_, err = Open(t.Context(), wrong)
	mustFail(t, err, ErrNoKey, wrong.Key.KeyFile, "not there", "put it back")
	if _, err := os.Stat(wrong.Key.KeyFile); err == nil {
		t.Error("a key file was made for an old keystore")
	}
	mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
}

func TestOpen_HostileParametersOfThePassphrase(t *testing.T) {
	opts := passphrase(t, "correct horse battery")
	mustInit(t, opts)
	asked := false
	opts.Key.Passphrase = asks("correct horse battery", &asked)
	for name, test := range map[string]struct{ pattern, with, says string }{
		"a mountain of memory":     {`"memory_kib": \d+`, `"memory_kib": 4294967295`, "memory_kib is 4294967295; 19456 to 1048576"},
		"memory just above":        {`"memory_kib": \d+`, `"memory_kib": 1048577`, "memory_kib"},
		"next to no memory":        {`"memory_kib": \d+`, `"memory_kib": 8`, "memory_kib"},
		"memory below zero":        {`"memory_kib": \d+`, `"memory_kib": -1`, ""},
		"passes without end":       {`"time": \d+`, `"time": 4000000000`, "time"},
		"eleven passes":            {`"time": \d+`, `"time": 11`, "time is 11; 2 to 10"},
		"one pass":                 {`"time": \d+`, `"time": 1`, "time"},
		"no thread":                {`"threads": \d+`, `"threads": 0`, "threads"},
		"nine threads":             {`"threads": \d+`, `"threads": 9`, "threads"},
		"a short salt":             {`"salt": "[^"]+"`, `"salt": "AAAA"`, "salt has 3 bytes"},
		"a salt without end":       {`"salt": "[^"]+"`, `"salt": "` + strings.Repeat("AAAA", 1000) + `"`, "salt"},
		"another function":         {`"name": "argon2id"`, `"name": "md5"`, `"md5"`},
		"no function, with a cost": {`"name": "argon2id"`, `"name": "none"`, "no name"},
	} {
		t.Run(name, func(t *testing.T) {
			trial := opts
			trial.Path = opts.Path + "-" + strings.ReplaceAll(name, " ", "-")
			data, _ := os.ReadFile(opts.Path)
			if err := os.WriteFile(trial.Path, edited(test.pattern, test.with)(data), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), trial)
			if !errors.Is(err, ErrParameters) && !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one that says %q", err, test.says)
			}
			if asked {
				t.Error("the passphrase was asked for, and its cost spent")
			}
		})
	}
}

func TestOpen_AChangedSaltOrCostIsAWrongKey(t *testing.T) {
	opts := passphrase(t, "correct horse battery")
	v := mustInit(t, opts)
	for name, change := range map[string]func(*document){
		"salt":   func(d *document) { d.KDF.Salt = bytes.Repeat([]byte{7}, 16) },
		"memory": func(d *document) { d.KDF.MemoryKiB++ },
		"time":   func(d *document) { d.KDF.Time = 2 },
	} {
		forge(t, v, change)
		_, err := Open(t.Context(), opts)
		mustFail(t, err, ErrWrongKey, "kdf", opts.Path)
		t.Log(name)
	}
}

func TestOpen_FilesThatAreNone(t *testing.T) {
	_, opts := small(t)
	data, _ := os.ReadFile(opts.Path)
	real := filepath.Join(filepath.Dir(opts.Path), "real")
	if err := os.WriteFile(real, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func() error{
		"a symbolic link": func() error { return os.Symlink(real, opts.Path) },
		"a directory":     func() error { return os.Mkdir(opts.Path, 0o700) },
		"a pipe":          func() error { return syscall.Mkfifo(opts.Path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			os.Remove(opts.Path)
			if err := make(); err != nil {
				t.Skip(err)
			}
			_, err := Open(t.Context(), opts)
			mustFail(t, err, ErrDamaged, opts.Path)
		})
	}
}

func TestSeal_TenThousandNoncesAreDifferent(t *testing.T) {
	v := mustInit(t, place(t))
	s := v.state.Load()
	e := &edit{from: s, doc: s.doc.clone(), keys: s.keys, now: epoch}
	e.aead = s.deks[e.active().ID]
	seen := map[string]bool{}
	r := record{ID: "a", Origin: zai}
	for range 10_000 {
		if err := e.seal(&r, secret.New(canary)); err != nil {
			t.Fatal(err)
		}
		seen[string(r.Sealed[:12])] = true
	}
	if len(seen) != 10_000 || e.active().Seals != 10_000 || r.Version != 10_000 {
		t.Errorf("%d nonces, %d seals counted, version %d", len(seen), e.active().Seals, r.Version)
	}
}

func TestChange_AFailedWriteLeavesEverythingAsItWas(t *testing.T) {
	v, opts := small(t)
	before, _ := os.ReadFile(opts.Path)
	err := replace(opts.Path, []byte("half"), true, func([]byte) error { return errors.New("the disk lies") })
	if err == nil || !strings.Contains(err.Error(), "reading back") {
		t.Errorf("error %v", err)
	}
	if after, _ := os.ReadFile(opts.Path); !bytes.Equal(before, after) {
		t.Error("the file was replaced by what could not be read back")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(opts.Path), ".*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	mustAdd(t, v, "new", zai, canary)
}

func TestReplace_DropsWhatACrashLeft(t *testing.T) {
	v, opts := small(t)
	left := filepath.Join(filepath.Dir(opts.Path), ".keystore.json.123.tmp")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, v, "new", zai, canary)
	if _, err := os.Stat(left); err == nil {
		t.Error("what a crash left is still there")
	}
}

func TestOpen_PreviousFileCanBePutBack(t *testing.T) {
	v, opts := small(t)
	mustAdd(t, v, "new", zai, "only-in-the-newest")
	rewrite(t, opts.Path, func(d []byte) []byte { return d[:100] })
	_, err := Open(t.Context(), opts)
	mustFail(t, err, ErrDamaged, "~")
	if err := os.Rename(opts.Path+"~", opts.Path); err != nil {
		t.Fatal(err)
	}
	mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
}

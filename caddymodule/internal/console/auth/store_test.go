package auth

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// write puts a users file where Open will find it.
func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	row  = `{"user":"ann","role":"admin","hash":"$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2E$c3Vtc3Vtc3Vtc3Vtc3Vtc3Vtc3Vtc3Vtc3Vtc3Vtc3U","serial":1,"created":"2026-11-22T00:00:00Z"}`
	file = `{"version":1,"generation":1,"users":[` + row + `]}`
)

// Caddy CVE-2026-27586: a security file that could not be read was as good as none.
func TestOpen_RefusesFilesItCannotTrust(t *testing.T) {
	if _, err := Open(Options{Path: write(t, file, 0o600)}); err != nil {
		t.Fatalf("a good file: %v", err)
	}
	cases := map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable by others": {file, 0o644, "chmod 600"},
		"readable by group":  {file, 0o640, "chmod 600"},
		"empty":              {"", 0o600, "unexpected end"},
		"torn":               {file[:len(file)-9], 0o600, "unexpected end"},
		"no users":           {`{"version":1,"generation":1,"users":[]}`, 0o600, "no users"},
		"no generation":      {strings.Replace(file, `"generation":1`, `"generation":0`, 1), 0o600, "generation"},
		"future version":     {strings.Replace(file, `"version":1`, `"version":2`, 1), 0o600, "version 2"},
		"user twice":         {strings.Replace(file, row, row+","+row, 1), 0o600, "twice"},
		"plain password":     {strings.Replace(file, "$argon2id", "$plain", 1), 0o600, "Argon2id"},
		"costly hash":        {strings.Replace(file, "m=64", "m=4194304", 1), 0o600, "more work"},
		"endless hash":       {strings.Replace(file, "t=1", "t=999999", 1), 0o600, "more work"},
		"empty hash":         {strings.Replace(file, "m=64,t=1", "m=0,t=0", 1), 0o600, "Argon2id"},
		"unknown role":       {strings.Replace(file, `"admin"`, `"root"`, 1), 0o600, "role"},
		"hostile name":       {strings.Replace(file, `"ann"`, `"<b>"`, 1), 0o600, "user name"},
		"huge":               {strings.Repeat(" ", maxFileBytes) + file, 0o600, "longer than"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(Options{Path: write(t, c.text, c.mode)}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
		})
	}
	if _, err := Open(Options{Path: t.TempDir()}); err == nil {
		t.Error("a directory is a users file")
	}
	if _, err := Open(Options{}); err == nil {
		t.Error("no path is a users file")
	}
}

func TestStore_KeepsNoOldPasswordsAndReadsBackWhatItWrote(t *testing.T) {
	a, c := open(t)
	if _, err := a.AddUser(t.Context(), "bob", "viewer", good); err != nil {
		t.Fatal(err)
	}
	c.add(time.Minute)
	enter(t, a, "bob", good)
	if _, err := os.Stat(a.store.path + "~"); !os.IsNotExist(err) {
		t.Errorf("the previous file is kept: %v", err)
	}
	b, err := Open(Options{Path: a.store.path, Cost: Cost{64, 1}})
	if err != nil {
		t.Fatal(err)
	}
	got := b.Users()
	if len(got) != 2 || got[1].Role != Viewer || !got[1].LastLogin.Equal(c.now()) {
		t.Errorf("read back %+v", got)
	}
	enter(t, b, "bob", good)
}

func TestStore_AFileThatGoesBadOrAwayWhileRunningChangesNothing(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"away": os.Remove,
		"bad":  func(path string) error { return os.WriteFile(path, []byte("{"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			a, c := open(t, func(o *Options) {})
			a.dev = true
			token := enter(t, a, "ann", good)
			if err := spoil(a.store.path); err != nil {
				t.Fatal(err)
			}
			c.add(2 * time.Second)
			if _, ok := a.Session(token, true); !ok {
				t.Error("the session is gone")
			}
			if a.DevLogin() {
				t.Error("the development login is open again")
			}
			_, err := a.AddUser(t.Context(), "bob", "viewer", good)
			if n := len(a.Users()); name == "away" && (err != nil || n != 2) || name == "bad" && (err == nil || n != 1) {
				t.Errorf("%d users, %v", n, err)
			}
		})
	}
}

func TestStore_TwoProcessesLoseNoUser(t *testing.T) {
	a, _ := open(t)
	b, err := Open(Options{Path: a.store.path, Cost: Cost{64, 1}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i, who := range []*Authority{a, b, a, b, a, b} {
		wg.Go(func() {
			if _, err := who.AddUser(t.Context(), "user"+string(rune('a'+i)), "viewer", good); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c, err := Open(Options{Path: a.store.path})
	if err != nil || len(c.Users()) != 7 {
		t.Errorf("%d users, %v", len(c.Users()), err)
	}
}

func TestStore_ADiskThatCannotBeWrittenRefusesChangesButNotLogins(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("root writes everywhere; the directory is replaced by a file instead")
	}
	a, _ := open(t)
	dir := filepath.Dir(a.store.path)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir + ".away") })
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	enter(t, a, "ann", good)
	if _, err := a.AddUser(t.Context(), "bob", "viewer", good); err == nil {
		t.Error("a user was added to a file that cannot be written")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveUser("ann"); errors.Is(err, ErrNoUser) {
		t.Error("the user is gone")
	}
}

func TestOpen_RefusesWhatStandsInTheFilesPlace(t *testing.T) {
	for name, c := range map[string]struct {
		put  func(path string) error
		want string
	}{
		"a directory":         {func(path string) error { return os.Mkdir(path, 0o700) }, "not a regular file"},
		"a link that dangles": {func(path string) error { return os.Symlink("/nowhere", path) }, "leads nowhere"},
		"another user's file": {func(path string) error {
			return errors.Join(os.WriteFile(path, []byte(file), 0o600), os.Chown(path, 4711, -1))
		}, "belongs to user 4711"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "users.json")
			if err := c.put(path); err != nil {
				t.Skip(err)
			}
			if _, err := Open(Options{Path: path}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
		})
	}
}

package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChangePassword_WantsTheCurrentOneAndAGoodOne(t *testing.T) {
	ann := Identity{User: "ann", Role: Admin}
	cases := map[string]struct {
		current, next string
		field         string // of the RuleError; empty: ErrCredentials
	}{
		"wrong current":  {"nope", "another good one", ""},
		"too short":      {good, "short", "new"},
		"too long":       {good, strings.Repeat("xy", 600), "new"},
		"the same":       {good, good, "new"},
		"the name":       {good, "ann-ann-ann-", ""},
		"one character":  {good, strings.Repeat("a", 30), "new"},
		"no valid UTF-8": {good, "twelve bytes\xff\xff\xff", "new"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a, _ := open(t)
			token := enter(t, a, "ann", good)
			_, _, err := a.ChangePassword(t.Context(), ann, c.current, c.next, here)
			var rule *RuleError
			switch {
			case name == "the name":
				if err != nil && !errors.As(err, &rule) {
					t.Errorf("got %v", err)
				}
				return
			case c.field == "" && err != ErrCredentials, c.field != "" && (!errors.As(err, &rule) || rule.Field != c.field):
				t.Errorf("got %v", err)
			}
			if _, ok := a.Session(token, true); !ok {
				t.Error("a change that was refused ended the session")
			}
		})
	}
}

func TestUsers_RulesOfNamesRolesAndTheLastAdministrator(t *testing.T) {
	a, _ := open(t)
	for _, name := range []string{"", "-x", ".", "..", "Ann", "a b", "a/b", "a:b", "ünï", strings.Repeat("a", 64), "a\x00", "<b>"} {
		var rule *RuleError
		if _, err := a.AddUser(t.Context(), name, "viewer", good); !errors.As(err, &rule) || rule.Field != "user" {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for _, role := range []string{"", "nobody", "root", "Admin", "admin "} {
		var rule *RuleError
		if _, err := a.AddUser(t.Context(), "bob", role, good); !errors.As(err, &rule) || rule.Field != "role" {
			t.Errorf("role %q: %v", role, err)
		}
	}
	if _, err := a.AddUser(t.Context(), "ann", "viewer", good); err != ErrUserExists {
		t.Errorf("a taken name: %v", err)
	}
	if err := a.RemoveUser("ann"); err != ErrLastAdmin {
		t.Errorf("the last administrator: %v", err)
	}
	if err := a.RemoveUser("bob"); err != ErrNoUser {
		t.Errorf("no user: %v", err)
	}
}

func TestHash_HasNoTextForm(t *testing.T) {
	a, _ := open(t)
	u, _ := a.store.find("ann")
	secret := u.hash.encode()
	sum := strings.Split(secret, "$")[5]
	texts := []string{fmt.Sprint(u.hash), fmt.Sprintf("%+v", u), fmt.Sprintf("%#v", u), fmt.Sprint(a.Users())}
	if data, err := json.Marshal(u.hash); err == nil {
		texts = append(texts, string(data))
	}
	data, err := json.Marshal(u)
	texts = append(texts, string(data), fmt.Sprint(err))
	for _, text := range texts {
		if strings.Contains(text, sum) {
			t.Errorf("the hash stands in %s", text)
		}
	}
}

func TestFirstRun_MakesAPasswordOnceAndForgetsItsFileAtTheFirstChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.json")
	a, err := Open(Options{Path: path, Cost: Cost{64, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if !a.NeedsFirstRun() {
		t.Error("a new file needs no first run")
	}
	password, err := a.FirstRun(t.Context())
	if err != nil || len(password) != 20 {
		t.Fatalf("%q %v", password, err)
	}
	if again, err := a.FirstRun(t.Context()); again != "" || err != nil {
		t.Errorf("a second run made %q %v", again, err)
	}
	for _, file := range []string{path, a.PasswordFile()} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info, err)
		}
	}
	if data, _ := os.ReadFile(a.PasswordFile()); strings.TrimSpace(string(data)) != password {
		t.Errorf("the file says %q", data)
	}
	token := enter(t, a, "admin", password)
	id, _ := a.Session(token, true)
	if _, _, err := a.ChangePassword(t.Context(), id, password, good, here); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(a.PasswordFile()); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
	if _, _, err := a.Login(t.Context(), Attempt{User: "admin", Password: password, IP: here}); err != ErrCredentials {
		t.Errorf("the first password still works: %v", err)
	}
}

func TestGenerate_GivesTwentyReadableCharacters(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		p := Generate()
		if len(p) != 20 || seen[p] || strings.Trim(p, alphabet) != "" || checkPassword("new", "admin", p) != nil {
			t.Fatalf("generated %q", p)
		}
		seen[p] = true
	}
}

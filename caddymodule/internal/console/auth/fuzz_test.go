package auth

import (
	"encoding/base64"
	"strings"
	"testing"
)

// LiteLLM CVE-2026-42208: what came in the Authorization header reached a query.
// Whatever comes, the answer is a clean pair or no.
func FuzzParseBasic(f *testing.F) {
	for _, s := range []string{
		"", "Basic", "Basic ", "Basic YTpi", "basic YTpi", "BASIC  YTpi", "Bearer YTpi", "Basic YTpi=", "Basic YQ==", "Basic OmI=",
		"Basic YTpi\n", "Basic YTp\x00", "Basic " + base64.StdEncoding.EncodeToString([]byte("a:b:c")), "Basic !!!!", "Basic /w==",
		"Basic " + strings.Repeat("A", 5000), "' OR 1=1 --",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		user, password, ok := ParseBasic(header)
		if !ok {
			if user != "" && password != "" {
				t.Errorf("%q was refused and yet gave a pair", header)
			}
			return
		}
		if user == "" || strings.ContainsAny(user, ":\x00\r\n") || len(user)+len(password) > maxAuthorization {
			t.Errorf("%q gave %q %q", header, user, password)
		}
		again := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
		if u, p, ok := ParseBasic(again); !ok || u != user || p != password {
			t.Errorf("%q does not come back as %q %q", again, user, password)
		}
	})
}

// FuzzLogin tries names and passwords on a console with one user.
func FuzzLogin(f *testing.F) {
	a, c := open(f)
	for _, s := range [][2]string{{"ann", "nope"}, {"", ""}, {"ann\x00", good}, {"ANN", good}, {"admin", "admin"}, {"ann", good + " "}, {"\xff", "\xff"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, user, password string) {
		c.add(2 * forgetAfter)
		_, _, err := a.Login(t.Context(), Attempt{User: user, Password: password, IP: here, DevAllowed: true})
		if right := user == "ann" && password == good; right != (err == nil) {
			t.Errorf("%q %q: %v", user, password, err)
		}
	})
}

// FuzzUsersFile reads any bytes as a users file.
func FuzzUsersFile(f *testing.F) {
	f.Add([]byte(file))
	f.Add([]byte(`{"version":1,"generation":1,"users":[{}]}`))
	f.Add([]byte(strings.Replace(file, "m=64", "m=64,m=64", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decodeTable(data)
		if err != nil {
			return
		}
		text, err := encodeTable(got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeTable(text)
		if err != nil || len(again.users) != len(got.users) || again.Generation != got.Generation {
			t.Errorf("written and read again: %v", err)
		}
	})
}

package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestToken_HasTheFormThatParseAndScannersKnow(t *testing.T) {
	token := newToken("abc123").Reveal()
	id, err := Parse(token)
	if err != nil || id != "abc123" {
		t.Fatalf("got %q, %v", id, err)
	}
	if want := len("amx_abc123_") + 43 + 6; len(token) != want {
		t.Errorf("has %d characters, want %d", len(token), want)
	}
	if token == newToken("abc123").Reveal() {
		t.Error("the same twice")
	}
}

func TestParse_ChecksumIsThePublishedCRC32(t *testing.T) {
	// 0xCBF43926 is the check value of CRC-32 (IEEE) for "123456789".
	want, n := "", uint32(0xCBF43926)
	for range checksumLength {
		want = string(base62[n%62]) + want
		n /= 62
	}
	if got := checksum("123456789"); string(got[:]) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParse_FindsEveryTypo(t *testing.T) {
	token := newToken("abc123").Reveal()
	for i := range len(token) {
		for _, c := range []byte("a0Z_-* \x00\xff") {
			changed := token[:i] + string([]byte{c}) + token[i+1:]
			if _, err := Parse(changed); changed != token && !errors.Is(err, Malformed) {
				t.Fatalf("%q at %d: got %v", c, i, err)
			}
		}
		if _, err := Parse(token[:i] + token[i+1:]); !errors.Is(err, Malformed) {
			t.Errorf("without character %d: got %v", i, err)
		}
	}
}

func TestParse_HostileForms(t *testing.T) {
	token := newToken("abc").Reveal()
	for name, text := range map[string]string{
		"empty": "", "prefix": "amx_", "no id": "amx__" + token[8:], "upper case prefix": "AMX" + token[3:],
		"upper case id": "amx_ABC" + token[7:], "two underscores": "amx_a_" + token[6:], "space after": token + " ",
		"line end": token + "\n", "long": "amx_abc_" + strings.Repeat("a", 1<<20), "long id": newToken(strings.Repeat("a", 33)).Reveal(),
		"bearer": "Bearer " + token, "twice": token + token,
	} {
		if id, err := Parse(text); err != Malformed || id != "" {
			t.Errorf("%s: got %q, %v", name, id, err)
		}
	}
}

func TestToken_NeverPrints(t *testing.T) {
	for name, token := range map[string]Token{"own": newToken("abc"), "another's": TokenOf("hunter2-hunter2-hunter2-hunter2")} {
		secret := token.Reveal()[len(token.Reveal())-20:]
		data, err := json.Marshal(map[string]any{"token": token, "pointer": &token})
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "token", token, "static", Static{Token: token})
		all := fmt.Sprintf("%v %+v %#v %s %q %x %d", token, token, token, token, token, token, token) +
			fmt.Sprintf("%+v %#v", Static{Token: token}, &Static{Token: token}) + string(data) + log.String()
		if strings.Contains(all, secret) || strings.Contains(all, fmt.Sprintf("%x", secret)) {
			t.Errorf("%s: shown in %s", name, all)
		}
	}
	if got := newToken("abc").String(); got != "amx_abc_[redacted]" {
		t.Errorf("got %s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(newToken("abc").Reveal())
	f.Add("amx_abc_0")
	f.Add("sk-ant-api03-AAAA")
	f.Add(strings.Repeat("amx_", 100))
	f.Fuzz(func(t *testing.T, text string) {
		id, err := Parse(text)
		if err != nil {
			if err != Malformed || id != "" {
				t.Fatalf("%q: %q, %v", text, id, err)
			}
			return
		}
		if len(text) > maxToken || !strings.HasPrefix(text, Prefix+id+"_") || !isID(id) {
			t.Fatalf("took %q as of %q", text, id)
		}
	})
}

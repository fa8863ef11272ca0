package toon

import (
	"errors"
	"strings"
	"testing"
)

func TestSyntaxError_NeverShowsALongWord(t *testing.T) {
	const secret = "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
	for name, doc := range map[string]string{
		"cell":      "keys[1]{a,b}:\n  x," + secret + ",y",
		"field":     "a:\n  " + secret,
		"quoted":    `a: "` + secret,
		"after":     `a: "b" ` + secret,
		"duplicate": secret + ": 1\n" + secret + ": 2",
		"indented":  "a: 1\n  " + secret,
		"dotted":    "[1]:\n  0123456789abcdef0123456789abcdef.ABCDEFGHIJKLMNOP",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(doc))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("Parse: %v", err)
			}
			if strings.Contains(err.Error(), "AbCdEf") || strings.Contains(err.Error(), "ABCDEF") {
				t.Errorf("the message shows a secret: %v", err)
			}
		})
	}
}

func TestSyntaxError_ShortensWhatItQuotes(t *testing.T) {
	_, err := Decode([]byte("a: 1\n" + strings.Repeat("word ", 100)))
	if err == nil || len(err.Error()) > 200 || !strings.Contains(err.Error(), "…") {
		t.Errorf("the message is %v", err)
	}
}

func TestSyntaxError_CountsColumnsInRunes(t *testing.T) {
	_, err := Decode([]byte("größe: \"\\q\""))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Column != 9 {
		t.Errorf("got %v, want column 9", err)
	}
}

func TestDecode_RefusesInvalidUTF8WhereItStands(t *testing.T) {
	for name, text := range map[string]string{"a stray byte": "\xff", "a truncated rune": "\xe2\x82", "a surrogate": "\xed\xa0\x80", "an overlong form": "\xc0\xaf"} {
		for _, strict := range []bool{true, false} {
			_, err := Decode([]byte("a: 1\nb: é"+text), Strict(strict))
			if want := "2:5: the document is not valid UTF-8: save it as UTF-8"; err == nil || err.Error() != want {
				t.Errorf("%s: got %v, want %s", name, err, want)
			}
		}
	}
}

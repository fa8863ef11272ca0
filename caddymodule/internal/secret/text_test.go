package secret

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const canary = "sk-canary-0123456789"

// holder keeps a secret in a field that fmt can only reach by reflection.
type holder struct {
	Name   string
	hidden Text
	Shown  Text
}

func TestText_NoWayOfPrintingShowsIt(t *testing.T) {
	text := New(canary)
	values := map[string]any{
		"value": text, "pointer": &text, "slice": []Text{text}, "array": [1]Text{text},
		"map": map[string]Text{"k": text}, "struct": holder{"n", text, text}, "pointer to a struct": &holder{"n", text, text},
		"any in a slice": []any{text, &text}, "error": fmt.Errorf("opening %v: %w", text, fmt.Errorf("%s", text)),
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%10s", "%-5v", "%c", "%U", "%b", "%o", "%e", "%t"} {
			mustHide(t, name+" with "+verb, fmt.Sprintf(verb, v))
		}
		mustHide(t, name+" with Sprint", fmt.Sprint(v))
	}
}

func TestText_NoEncoderOrLoggerShowsIt(t *testing.T) {
	v := holder{"n", New(canary), New(canary)}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", v.Shown, "holder", v, "pointer", &v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", v.Shown, "holder", v, slog.Any("p", &v.Shown))
	encoded, err := json.Marshal(map[string]any{"holder": v, "text": v.Shown, "pointer": &v.Shown})
	if err != nil {
		t.Fatal(err)
	}
	marked, err := xml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	keyed, err := json.Marshal(map[string]Text{"k": v.Shown})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"slog": out.String(), "json": string(encoded), "xml": string(marked), "map": string(keyed)} {
		mustHide(t, name, text)
		if !strings.Contains(text, Redacted) {
			t.Errorf("%s does not say %s: %s", name, Redacted, text)
		}
	}
}

func mustHide(t *testing.T, how, text string) {
	t.Helper()
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), "canary"} {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
}

func TestText_Equal(t *testing.T) {
	for name, test := range map[string]struct {
		a, b string
		want bool
	}{
		"the same":     {canary, canary, true},
		"one byte off": {canary, "sk-canary-0123456780", false},
		"a prefix":     {canary, canary[:9], false},
		"empty both":   {"", "", true},
		"empty one":    {"", canary, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := New(test.a).Equal(New(test.b)); got != test.want {
				t.Errorf("Equal = %v, want %v", got, test.want)
			}
		})
	}
}

func TestText_ZeroValueHoldsNothing(t *testing.T) {
	var zero Text
	if zero.Reveal() != "" || !zero.Empty() || zero.Len() != 0 || zero.Last4() != "" || zero.String() != Redacted {
		t.Errorf("the zero value holds %q, empty %v", zero.Reveal(), zero.Empty())
	}
}

func TestText_Last4OnlyOfLongSecrets(t *testing.T) {
	for in, want := range map[string]string{"hunter2": "", "123456789012345": "", canary: "6789"} {
		if got := New(in).Last4(); got != want {
			t.Errorf("Last4 of %d bytes = %q, want %q", len(in), got, want)
		}
	}
}

func TestText_ComesInButIsNeverReadBack(t *testing.T) {
	var form struct{ Secret Text }
	if err := json.Unmarshal([]byte(`{"secret":"`+canary+`"}`), &form); err != nil || form.Secret.Reveal() != canary {
		t.Fatalf("read %d bytes, %v", form.Secret.Len(), err)
	}
	back, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(back, &form); err == nil {
		t.Error("the redacted form was taken for a secret")
	}
}

package simulator

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseFault(t *testing.T) {
	for spelled, want := range map[string]Fault{
		"429":               {Kind: "429"},
		"429;retry-after=7": {Kind: "429", RetryAfter: "7"},
		" 529 ; retry-after=1.5; retry-after-ms=20 ;": {Kind: "529", RetryAfter: "1.5", RetryAfterMS: "20"},
		"cut;after=0":                          {Kind: Cut, After: -1},
		"stall;after=5;for=2s":                 {Kind: Stall, After: 5, For: 2 * time.Second},
		"429;reset=rfc3339+7":                  {Kind: "429", Reset: "rfc3339+7"},
		"ok;tokens=9;rate=50;ttft=1ms":         {Kind: OK, Tokens: 9, Rate: 50, TTFT: time.Millisecond},
		"400;vendor=zai;code=1261;message=a=b": {Kind: "400", Vendor: "zai", Code: "1261", Message: "a=b"},
		"429;skew=-1h":                         {Kind: "429", Skew: -time.Hour},
	} {
		t.Run(spelled, func(t *testing.T) {
			got, err := ParseFault(spelled)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseFault_SaysWhatIsWrong(t *testing.T) {
	for spelled, want := range map[string]string{
		"":                    `unknown fault ""`,
		"nonsense":            `unknown fault "nonsense"`,
		"199":                 `unknown fault "199"`,
		"600":                 `unknown fault "600"`,
		"cut;after=x":         `after="x"`,
		"cut;after=-1":        `out of range`,
		"big;bytes=999999999": `out of range`,
		"stall;for=2h":        `out of range`,
		"slow;rate=0":         `out of range`,
		"429;what=7":          `no "what"`,
		"429;message=a\nb":    `control character`,
	} {
		t.Run(spelled, func(t *testing.T) {
			if _, err := ParseFault(spelled); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestFaultInKeyAndModel(t *testing.T) {
	for name, want := range map[string]string{
		"sim-429":                            "429",
		"sim-429-retry-after-7":              "429;retry-after=7",
		"sim-429-retry-after-date-7":         "429;retry-after=date-7",
		"sim-429-retry-after-ms-7-tag-a-b":   "429;retry-after-ms=7;tag=a-b",
		"sim-429-x-ms-retry-after-ms-70":     "429;x-ms-retry-after-ms=70",
		"sim-200":                            "",
		"sim-reset-headers":                  "reset-headers",
		"sim-reset":                          "reset",
		"sim-error-200-code-1008":            "error-200;code=1008",
		"sim-429-vendor-zai-code-1308":       "429;code=1308;vendor=zai",
		"sim-slow-ttft-50ms-rate-2":          "slow;ttft=50ms;rate=2",
		"sim-cut-after-0":                    "cut;after=0",
		"sim-429-reset-6m0s-should-retry-no": "429;reset=6m0s;should-retry=no",
		"sk-sim-429":                         "",
		"sim-429x":                           "",
		"sim-429-":                           "",
		"sim-429-retry":                      "",
		"sim-":                               "",
		"sim-good-key":                       "",
		"":                                   "",
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := faultInKey(name)
			if f.String() != want {
				t.Errorf("got %q, want %q", f, want)
			}
			if m, _ := faultInModel(name); m != f {
				t.Errorf("as a model: %q", m)
			}
		})
	}
	if f, _ := faultInModel("sim/429;retry-after=7"); f.String() != "429;retry-after=7" {
		t.Errorf("got %q", f)
	}
	if f, ok := faultInModel("sim/some-model"); ok {
		t.Errorf("got %q", f)
	}
}

func TestFault_StringReadsBack(t *testing.T) {
	word := rapid.StringMatching(`[a-zA-Z0-9+.:/]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		f := Fault{
			Kind:  rapid.SampledFrom(append(Kinds(), "429", "500")).Draw(t, "kind"),
			After: rapid.IntRange(-1, 9).Draw(t, "after"),
			Bytes: rapid.IntRange(0, 9).Draw(t, "bytes"),
			For:   time.Duration(rapid.IntRange(0, 9).Draw(t, "for")) * time.Millisecond,
			Rate:  rapid.SampledFrom([]float64{0, 0.5, 20}).Draw(t, "rate"),
		}
		for _, name := range []string{"retry-after", "code", "message", "tag", "reset", "location"} {
			if rapid.Bool().Draw(t, "has "+name) {
				*f.textField(name) = word.Draw(t, name)
			}
		}
		got, err := ParseFault(f.String())
		if err != nil || got != f {
			t.Fatalf("%q read back as %q, %v", f, got, err)
		}
	})
}

// FuzzFault feeds the grammar in all three places; what it accepts must spell itself.
func FuzzFault(f *testing.F) {
	for _, s := range []string{"429;retry-after=7", "sim-429-retry-after-7", "sim/cut;after=0", "stall;for=1s;every=2ms", "sim-429-tag--", "ok;rate=NaN", "sim-429-skew--1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		check := func(got Fault, ok bool) {
			if !ok {
				return
			}
			again, err := ParseFault(got.String())
			// A value that holds a semicolon can come from a key, not from the header.
			if !strings.Contains(s, ";") && (err != nil || again != got) {
				t.Errorf("%q is %q, read back %q, %v", s, got, again, err)
			}
		}
		header, err := ParseFault(s)
		check(header, err == nil)
		check(faultInKey(s))
		check(faultInModel(s))
	})
}

package schema_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aimux/aimux/schema"
)

func TestDuration_Text(t *testing.T) {
	for text, want := range map[string]string{
		"60s": "1m", "90s": "1m30s", "5m": "5m", "1h": "1h", "1h30m": "1h30m", "250ms": "250ms", "0s": "0s", "1h0m5s": "1h0m5s", "1.5h": "1h30m",
	} {
		var d schema.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != want {
			t.Errorf("%s reads as %s, %v; want %s", text, d, err, want)
		}
	}
	for _, text := range []string{"", "60", "soon", "-5s", "5 m", "1d"} {
		var d schema.Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q reads as %s", text, d)
		}
	}
}

func TestDuration_TextReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := schema.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "d"))
		var got schema.Duration
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%s reads back as %s, %v", want, got, err)
		}
	})
}

func TestSize_JSON(t *testing.T) {
	for text, want := range map[string]schema.Size{
		`"32MiB"`: 32 << 20, `"64KiB"`: 64 << 10, `"1GiB"`: 1 << 30, `"1MB"`: 1e6, `"5kB"`: 5000, `"5KB"`: 5000, `"7B"`: 7, `"8"`: 8, `9`: 9, `0`: 0,
	} {
		var s schema.Size
		if err := json.Unmarshal([]byte(text), &s); err != nil || s != want {
			t.Errorf("%s reads as %d, %v; want %d", text, s, err, want)
		}
	}
	for _, text := range []string{`""`, `"MiB"`, `"-1B"`, `"1.5MiB"`, `"9999999999GiB"`, `"32 MiB"`, `-1`, `1.5`, `true`} {
		var s schema.Size
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s reads as %d", text, s)
		}
	}
}

func TestSize_TextReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := schema.Size(rapid.Int64Range(0, 1<<62).Draw(t, "n"))
		var got schema.Size
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%s reads back as %s, %v", want, got, err)
		}
	})
}

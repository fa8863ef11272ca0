package toon

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// config is a configuration as a program would declare it, in all three formats.
type config struct {
	Version   int                 `json:"version" yaml:"version"`
	Providers map[string]provider `json:"providers" yaml:"providers"`
	Keys      []key               `json:"keys" yaml:"keys"`
	Models    []model             `json:"models" yaml:"models"`
	Clients   []client            `json:"clients" yaml:"clients"`
	Routing   routing             `json:"routing" yaml:"routing"`
	Limits    struct {
		Body    string `json:"body" yaml:"body"`
		Streams int    `json:"streams" yaml:"streams"`
	} `json:"limits" yaml:"limits"`
	Log struct {
		Level   string   `json:"level" yaml:"level"`
		Content bool     `json:"content" yaml:"content"`
		Fields  []string `json:"fields" yaml:"fields"`
	} `json:"log" yaml:"log"`
}

type provider struct {
	Kind     string `json:"kind" yaml:"kind"`
	Tier     int    `json:"tier" yaml:"tier"`
	BaseURL  string `json:"base_url" yaml:"base_url"`
	Timeouts struct {
		Connect    string `json:"connect" yaml:"connect"`
		FirstEvent string `json:"first_event" yaml:"first_event"`
		Idle       string `json:"idle" yaml:"idle"`
	} `json:"timeouts" yaml:"timeouts"`
}

type key struct {
	Provider string `json:"provider" yaml:"provider"`
	Name     string `json:"name" yaml:"name"`
	Account  string `json:"account" yaml:"account"`
	Secret   string `json:"secret" yaml:"secret"`
	Weight   int    `json:"weight" yaml:"weight"`
}

type model struct {
	Alias    string `json:"alias" yaml:"alias"`
	Provider string `json:"provider" yaml:"provider"`
	Model    string `json:"model" yaml:"model"`
	Tier     int    `json:"tier" yaml:"tier"`
}

type client struct {
	Name   string         `json:"name" yaml:"name"`
	Scope  []string       `json:"scope" yaml:"scope"`
	Budget map[string]int `json:"budget,omitempty" yaml:"budget,omitempty"`
	Rate   *rate          `json:"rate,omitempty" yaml:"rate,omitempty"`
}

type rate struct {
	Requests int    `json:"requests" yaml:"requests"`
	Per      string `json:"per" yaml:"per"`
}

type routing struct {
	Strategy string `json:"strategy" yaml:"strategy"`
	Affinity bool   `json:"affinity" yaml:"affinity"`
	Attempts int    `json:"attempts" yaml:"attempts"`
	Deadline string `json:"deadline" yaml:"deadline"`
	Hedge    struct {
		Enabled bool   `json:"enabled" yaml:"enabled"`
		After   string `json:"after" yaml:"after"`
	} `json:"hedge" yaml:"hedge"`
}

// configFiles returns testdata/config in the three formats.
func configFiles(t testing.TB) (toonText, jsonText, yamlText []byte) {
	t.Helper()
	var files [3][]byte
	for i, name := range []string{"config.toon", "config.json", "config.yaml"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = data
	}
	return files[0], files[1], files[2]
}

func TestUnmarshal_TheSameConfigInThreeFormatsIsEqual(t *testing.T) {
	toonText, err := os.ReadFile("testdata/config.toon")
	if err != nil {
		t.Fatal(err)
	}
	var fromTOON, fromJSON, fromYAML config
	if err := Unmarshal(toonText, &fromTOON, DisallowUnknownFields()); err != nil {
		t.Fatal(err)
	}
	if *update {
		writeTwins(t, fromTOON)
	}
	_, jsonText, yamlText := configFiles(t)
	if err := json.Unmarshal(jsonText, &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(yamlText, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromJSON, fromTOON); diff != "" {
		t.Errorf("TOON differs from JSON (-json +toon):\n%s", diff)
	}
	if diff := cmp.Diff(fromYAML, fromTOON); diff != "" {
		t.Errorf("TOON differs from YAML (-yaml +toon):\n%s", diff)
	}
	if len(fromTOON.Keys) != 12 || fromTOON.Providers["local"].Timeouts.Idle != "300s" {
		t.Errorf("read %d keys and the timeouts %+v", len(fromTOON.Keys), fromTOON.Providers["local"].Timeouts)
	}
}

// writeTwins writes the JSON and YAML forms of the TOON file.
func writeTwins(t *testing.T, cfg config) {
	t.Helper()
	jsonText, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	yamlText, err := yaml.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"config.json": append(jsonText, '\n'), "config.yaml": yamlText} {
		if err := os.WriteFile("testdata/"+name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkUnmarshal_Struct(b *testing.B) {
	toonText, jsonText, yamlText := configFiles(b)
	for _, format := range []struct {
		name      string
		data      []byte
		unmarshal func([]byte, any) error
	}{
		{"toon", toonText, func(data []byte, v any) error { return Unmarshal(data, v) }},
		{"json", jsonText, json.Unmarshal},
		{"yaml", yamlText, func(data []byte, v any) error { return yaml.Unmarshal(data, v) }},
	} {
		b.Run(format.name, func(b *testing.B) {
			b.SetBytes(int64(len(format.data)))
			b.ReportAllocs()
			for b.Loop() {
				var cfg config
				if err := format.unmarshal(format.data, &cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUnmarshal_Map(b *testing.B) {
	toonText, jsonText, yamlText := configFiles(b)
	for _, format := range []struct {
		name      string
		data      []byte
		unmarshal func([]byte, any) error
	}{
		{"toon", toonText, func(data []byte, v any) error { return Unmarshal(data, v) }},
		{"json", jsonText, json.Unmarshal},
		{"yaml", yamlText, func(data []byte, v any) error { return yaml.Unmarshal(data, v) }},
	} {
		b.Run(format.name, func(b *testing.B) {
			b.SetBytes(int64(len(format.data)))
			b.ReportAllocs()
			for b.Loop() {
				var m map[string]any
				if err := format.unmarshal(format.data, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMarshal_Struct(b *testing.B) {
	toonText, _, _ := configFiles(b)
	var cfg config
	if err := Unmarshal(toonText, &cfg); err != nil {
		b.Fatal(err)
	}
	for _, format := range []struct {
		name    string
		marshal func(any) ([]byte, error)
	}{
		{"toon", func(v any) ([]byte, error) { return Marshal(v) }},
		{"json", json.Marshal},
		{"yaml", yaml.Marshal},
	} {
		b.Run(format.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := format.marshal(&cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecode shows the decoder alone: a tape, no Go values.
func BenchmarkDecode(b *testing.B) {
	toonText, _, _ := configFiles(b)
	b.SetBytes(int64(len(toonText)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(toonText); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	toonText, _, _ := configFiles(b)
	v, err := Decode(toonText)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	toonText, _, _ := configFiles(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Format(toonText); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode_LargeTable(b *testing.B) {
	var text []byte
	const rows = 10_000
	text = fmt.Appendf(text, "rows[%d]{id,name,address{street,city},active}:\n", rows)
	for i := range rows {
		text = fmt.Appendf(text, "  %d,user%d,Main Street %d,Oslo,true\n", i, i, i)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}

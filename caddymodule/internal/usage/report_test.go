package usage

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s:\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}

func sampleTotals() *Totals {
	s := Sums{Requests: 1234, Failures: 5, Canceled: 1, Input: 23_456_789, Output: 345_678, CacheRead: 12_345_678, Estimated: 7, Cost: 12_345_600,
		BytesIn: 1000, BytesOut: 2000, TTFT: 432_100 * time.Microsecond, Duration: 8*time.Second + 765*time.Millisecond, Attempts: 1300, FailedAttempts: 71}
	odd := Sums{Requests: 1, Cost: 7, Attempts: 1}
	total := s
	total.Requests, total.Cost, total.Attempts = 1237, 12_345_614, 1302
	return &Totals{By: ByModel, From: noon.Add(-24 * time.Hour), Groups: []Group{{"glm-5.2", s}, {"=HYPERLINK(\"http://x\")", odd}, {"\x1b[2Jéa", odd}, {"", odd}}, Total: total, More: true}
}

func TestReport_Forms(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer, *Totals) error{
		"model.txt":  func(b *bytes.Buffer, t *Totals) error { return WriteTable(b, t) },
		"model.json": func(b *bytes.Buffer, t *Totals) error { return WriteJSON(b, t) },
		"model.csv":  func(b *bytes.Buffer, t *Totals) error { return WriteCSV(b, t) },
	} {
		var b bytes.Buffer
		if err := write(&b, sampleTotals()); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		b.Reset()
		all := &Totals{Total: sampleTotals().Total}
		if err := write(&b, all); err != nil {
			t.Fatal(err)
		}
		golden(t, strings.Replace(name, "model", "all", 1), b.Bytes())
	}
}

func TestWriteJSON_IsReadable(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, sampleTotals()); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Groups []struct {
			Key   string `json:"key"`
			Cost  int64  `json:"cost_microusd"`
			Input int64  `json:"tokens_in"`
		} `json:"groups"`
	}
	if err := json.Unmarshal(b.Bytes(), &out); err != nil || len(out.Groups) != 4 || out.Groups[0].Cost != 12_345_600 || out.Groups[2].Key != "\x1b[2Jéa" {
		t.Errorf("%+v (%v)", out, err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestReport_SaysWhenItCannotBeWritten(t *testing.T) {
	for name, err := range map[string]error{
		"table": WriteTable(fullDisk{}, sampleTotals()), "JSON": WriteJSON(fullDisk{}, sampleTotals()), "CSV": WriteCSV(fullDisk{}, sampleTotals()),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDollars(t *testing.T) {
	for micro, want := range map[int64]string{
		0: "$0.0000", 1: "$0.000001", 100: "$0.0001", 12_345_600: "$12.3456", 12_345_678: "$12.345678", 1_234_567_000_000: "$1,234,567.0000", -5_000_000: "-$5.0000",
	} {
		if got := Dollars(micro); got != want {
			t.Errorf("Dollars(%d) = %s, want %s", micro, got, want)
		}
	}
}

func FuzzCell_NoFormulaGetsThrough(f *testing.F) {
	for _, s := range []string{"", "glm-5.2", "=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r\n=1", "a=1", "\u00a0=1", "＝1", "|cmd", "'=1", "a,b\"c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := cell(text)
		if bare := strings.TrimLeft(got, " \t\r\n\u00a0"); bare != "" && strings.Contains("=+-@", bare[:1]) {
			t.Errorf("%q is left a formula: %q", text, got)
		}
		if got != text && got != "'"+text {
			t.Errorf("%q became %q", text, got)
		}
		var b bytes.Buffer
		if err := WriteCSV(&b, &Totals{By: ByModel, Groups: []Group{{Key: text}}}); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(lines) != 2 || lines[1][0] != strings.ReplaceAll(got, "\r\n", "\n") {
			t.Errorf("%q came back as %q (%v)", got, lines, err)
		}
	})
}

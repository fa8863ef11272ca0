package telemetry

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"
)

func classNames() []string {
	var out []string
	for class := range classes {
		out = append(out, llm.Class(class).String())
	}
	return out
}

func ceilingNames() (out []string) {
	for ceiling := range new(gateway.Refusals).All() {
		out = append(out, ceiling)
	}
	return out
}

// shapes are all metrics aimux has, from their own descriptions.
func shapes(t *testing.T) map[string]metricShape {
	t.Helper()
	described := regexp.MustCompile(`fqName: "([^"]+)".* variableLabels: \{([^}]*)\}`)
	out := map[string]metricShape{}
	for _, c := range append(NewMetrics().collectors(), newScrape(nil, "")) {
		_, histogram := c.(*prometheus.HistogramVec)
		ch := make(chan *prometheus.Desc, 64)
		c.Describe(ch)
		close(ch)
		for d := range ch {
			m := described.FindStringSubmatch(d.String())
			if m == nil {
				t.Fatalf("cannot read %s", d)
			}
			shape := metricShape{histogram: histogram}
			if m[2] != "" {
				shape.labels = strings.Split(m[2], ",")
			}
			out[m[1]] = shape
		}
	}
	return out
}

const (
	dashboard = "../../../deploy/grafana/aimux.json"
	rules     = "../../../deploy/prometheus/alerts.yml"
)

func TestCheck_FindsWhatPrometheusWouldRefuseOrAnswerWithNothing(t *testing.T) {
	metrics := shapes(t)
	for expr, want := range map[string]string{
		`sum by (provider) (rate(caddy_aimux_attempts_total{class!~"ok|canceled"}[5m])) / 2 > 0.5`:          "",
		`histogram_quantile(0.95, sum by (le) (rate(caddy_aimux_request_duration_seconds_bucket[5m])))`:     "",
		`caddy_aimux_key_state{state="ready"} + ignoring (state) (2 * caddy_aimux_key_state{state="open"})`: "",
		`caddy_aimux_requests`:                                "no metric",
		`caddy_aimux_request_duration_seconds`:                "no metric",
		`caddy_aimux_in_flight{provider="x"}`:                 "no label",
		`rate(caddy_aimux_in_flight)`:                         "wrong type",
		`rate(caddy_aimux_requests_total[5x])`:                "no duration",
		`sum by (model) (caddy_aimux_provider_up)`:            "no label of",
		`caddy_aimux_attempts_total{class="overload"}`:        "never",
		`2 * ignoring (state) caddy_aimux_key_state`:          "vectors only",
		`caddy_aimux_provider_up / caddy_aimux_in_flight`:     "never matches",
		`(caddy_aimux_in_flight`:                              `want ")"`,
		`caddy_aimux_in_flight)`:                              "left",
		`histogram_quantile(0.9, sum(caddy_aimux_in_flight))`: "needs the label le",
		`caddy_aimux_requests_total[5m]`:                      "a range",
		`caddy_aimux_requests_total{code="x}`:                 "does not end",
	} {
		_, err := check(expr, metrics)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", expr, err, want)
		}
	}
}

// used lists the labels that templates of the form {{label}} or {{ $labels.x }}
// name.
func used(text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`\{\{ ?(?:\$labels\.)?([a-z_]+) ?\}\}`).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// board is what is read of a dashboard.
type board struct {
	UID           string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
	Annotations struct {
		List []struct{ Expr, TitleFormat, TextFormat string }
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ H, W, X, Y int }
	Targets                  []struct{ Expr, LegendFormat string }
}

func readBoard(t *testing.T) board {
	t.Helper()
	data, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var b board
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	if b.UID != "aimux" || b.SchemaVersion == 0 || len(b.Panels) < 20 {
		t.Fatalf("uid %q, schema %d, %d panels", b.UID, b.SchemaVersion, len(b.Panels))
	}
	return b
}

// must checks an expression and that its result has every label a text names.
func must(t *testing.T, what, expr, text string, metrics map[string]metricShape) {
	t.Helper()
	labels, err := check(expr, metrics)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, l := range used(text) {
		if !slices.Contains(labels, l) {
			t.Errorf("%s: the text names %s, the result has %v", what, l, labels)
		}
	}
}

func TestDashboard_NamesOnlyWhatIsThere(t *testing.T) {
	b, metrics := readBoard(t), shapes(t)
	for _, p := range b.Panels {
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("%s: no description or no query", p.Title)
		}
		for _, q := range p.Targets {
			must(t, p.Title, q.Expr, q.LegendFormat, metrics)
		}
	}
	for _, a := range b.Annotations.List {
		must(t, "annotation", a.Expr, a.TitleFormat+a.TextFormat, metrics)
	}
	asked := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	for _, v := range b.Templating.List {
		m := asked.FindStringSubmatch(v.Definition)
		if v.Type == "query" && (m == nil || !slices.Contains(metrics[m[1]].labels, m[2])) {
			t.Errorf("variable %s: %s", v.Name, v.Definition)
		}
	}
}

func TestDashboard_NoPanelLiesOverAnother(t *testing.T) {
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range readBoard(t).Panels {
		if ids[p.ID] {
			t.Errorf("%s: id %d twice", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if before := taken[[2]int{x, y}]; before != "" || x > 23 {
					t.Fatalf("%s lies over %q or over the edge", p.Title, before)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

func TestRules_NameOnlyWhatIsThere(t *testing.T) {
	data, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	metrics := shapes(t)
	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] || !strings.HasPrefix(r.Alert, "Aimux") {
				t.Errorf("alert %q: twice, or not called Aimux…", r.Alert)
			}
			seen[r.Alert] = true
			must(t, r.Alert, r.Expr, r.Annotations["summary"]+r.Annotations["description"], metrics)
			if _, err := time.ParseDuration(r.For); r.For != "" && err != nil {
				t.Errorf("%s: for: %v", r.Alert, err)
			}
			if s := r.Labels["severity"]; s != "warning" && s != "critical" {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			if r.Annotations["summary"] == "" {
				t.Errorf("%s: no summary", r.Alert)
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("%d alerts", len(seen))
	}
}

package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPage_IsOneFileWithPlots(t *testing.T) {
	r := example()
	s := &r.Scenarios[0]
	for i := range s.Rows {
		s.Rows[i].CPU = float64(i+1) / 10
		s.Rows[i].Curve = make([]float64, len(shares))
		for j := range shares {
			s.Rows[i].Curve[j] = float64((i + 1) * (j + 1))
		}
	}
	s.Plots = []Plot{{Title: "Requests <that> met the failure", X: "seconds", Y: "%", Lines: []Line{{Name: "round 1", Step: 0.5, Values: []float64{0, 80, 10, 0}}}}}
	r.Changes = []Change{{What: "json-1k: CPU", Before: 2, Now: 1}}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.html", page.Bytes())
	for _, outside := range []string{"src=", "href=", "@import", "url("} {
		if strings.Contains(page.String(), outside) {
			t.Errorf("the page needs something else: %s", outside)
		}
	}
	if n := strings.Count(page.String(), "<svg"); n != 3 {
		t.Errorf("%d plots", n)
	}
}

// wellFormed reads a drawing to its end.
func wellFormed(svg string) error {
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestChart_KeepsItsLinesInsideWhateverTheValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 20).Draw(t, "values")
		c := &chart{title: rapid.String().Draw(t, "title"), x: "x", y: "y", logarithmic: rapid.Bool().Draw(t, "logarithmic")}
		line := chartLine{name: "a <b>", ys: values}
		for i := range values {
			line.xs = append(line.xs, float64(i))
		}
		c.lines = []chartLine{line}
		s := c.scale()
		for i, v := range values {
			x, y := s.x(float64(i)), s.y(v)
			if math.IsNaN(x+y) || x < marginLeft-1 || x > chartWidth-marginRight+1 || y < marginTop-1 || y > chartHeight-marginBottom+1 {
				t.Fatalf("%v at %v, %v", v, x, y)
			}
		}
		if strings.Contains(c.svg(), "NaN") {
			t.Error("not a number")
		}
	})
}

func TestChart_IsWellFormed(t *testing.T) {
	c := &chart{title: `a "b" & <c>`, x: "x", y: "y", lines: []chartLine{{"one & two", []float64{0, 1}, []float64{1, 2}}, {"none", nil, nil}}}
	if err := wellFormed(c.svg()); err != nil {
		t.Errorf("%v in %s", err, c.svg())
	}
	one := &chart{title: "a power of ten", logarithmic: true, lines: []chartLine{{"one", []float64{0}, []float64{1e6}}}}
	if y := one.scale().y(1e6); y < marginTop-1 || y > chartHeight-marginBottom+1 {
		t.Errorf("1e6 is drawn at %v", y)
	}
	empty := &chart{title: "nothing", logarithmic: true}
	if err := wellFormed(empty.svg()); err != nil || strings.Contains(empty.svg(), "Inf") {
		t.Errorf("%v in %s", err, empty.svg())
	}
}

func TestBars_AreForTheRowsThatHaveAValue(t *testing.T) {
	rows := []Row{{Load: "a", Path: "direct"}, {Load: "a & b", Path: "aimux", CPU: 2}, {Load: "a", Path: "reverse_proxy", CPU: 1}}
	cpu := func(r Row) float64 { return r.CPU }
	drawn := bars("CPU", rows, cpu, 2)
	if n := strings.Count(drawn, "<rect"); n != 2 {
		t.Errorf("%d bars", n)
	}
	if err := wellFormed(drawn); err != nil {
		t.Error(err)
	}
	if bars("CPU", rows[:2], cpu, 2) != "" {
		t.Error("one bar alone says nothing")
	}
}

func TestRound125_IsTheNextRoundNumber(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 0.3: 0.5, 1: 1, 1.1: 2, 7: 10, 49: 50, 101: 200} {
		if got := round125(v); !about(got, want) {
			t.Errorf("%v: got %v, want %v", v, got, want)
		}
	}
}

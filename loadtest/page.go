package main

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"sync"
)

// WriteHTML writes the report as one page that needs nothing else: tables, and plots as SVG.
func (r *Report) WriteHTML(w io.Writer) error {
	return page().Execute(w, r)
}

var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"conditions": (*Report).conditions,
		"cells":      (*Result).cells,
		"checks":     (*Result).checkCells,
		"changes":    (*Report).changeCells,
		"plots":      plots,
		"head":       func(table [][]string) []string { return table[0] },
		"body":       func(table [][]string) [][]string { return table[1:] },
	}).Parse(pageText))
})

const pageText = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>aimux load test</title>
<style>
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1b1f24;background:#fff}
table{border-collapse:collapse;margin:1em 0;font-size:13px;display:block;overflow-x:auto}
th,td{padding:3px 9px;border-bottom:1px solid #dde1e6;text-align:right;white-space:nowrap}
th:first-child,td:first-child,.rows td:nth-child(2),.rows th:nth-child(2){text-align:left}
svg{width:100%;max-width:520px;vertical-align:top;display:inline-block;margin:.5em 1em .5em 0}
.title{font:600 13px system-ui,sans-serif}.tick{font:11px system-ui,sans-serif;fill:#57606a}
.end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:#e4e7eb}
.broken{color:#b3261e;font-weight:600}h2{margin-top:2.2em}.note{color:#57606a}
</style>
<h1>aimux load test</h1>
<p>{{conditions .}}. {{with .Broken}}<span class="broken">{{.}} thresholds broken.</span>{{else}}Every threshold held.{{end}}</p>
{{define "table"}}<tr>{{range head .}}<th>{{.}}</th>{{end}}</tr>{{range body .}}<tr>{{range .}}<td{{if eq . "BROKEN"}} class="broken"{{end}}>{{.}}</td>{{end}}</tr>{{end}}{{end}}
{{range $i, $s := .Scenarios}}<h2 id="{{$s.Name}}">{{$s.Name}}</h2><p>{{$s.Question}}</p>
{{range plots $s}}{{.}}{{end}}
<table class="rows">{{template "table" cells $s}}</table>
<table>{{template "table" checks $s}}</table>
{{range $s.Notes}}<p class="note">{{.}}</p>{{end}}
{{end}}{{if .Changes}}<h2>Against the results before</h2><table>{{template "table" changes .}}</table>{{end}}
</html>
`

// plots draws what there is to draw of a scenario. Names in the drawings are escaped where they are written.
func plots(s *Result) []template.HTML {
	var drawn []template.HTML
	for _, b := range []string{
		bars("CPU seconds for 1,000 requests", s.Rows, func(r Row) float64 { return r.CPU }, 3),
		bars("allocations for each request", s.Rows, func(r Row) float64 { return r.Allocations }, 0),
	} {
		if b != "" {
			drawn = append(drawn, template.HTML(b))
		}
	}
	for _, c := range append(curves(s), courses(s)...) {
		drawn = append(drawn, template.HTML(c.svg()))
	}
	return drawn
}

// courses are the scenario's own plots, over time.
func courses(s *Result) []*chart {
	var out []*chart
	for _, p := range s.Plots {
		c := &chart{title: p.Title, x: p.X, y: p.Y}
		for _, line := range p.Lines {
			drawn := chartLine{name: line.Name, ys: line.Values}
			for i := range line.Values {
				drawn.xs = append(drawn.xs, float64(i)*line.Step)
			}
			c.lines = append(c.lines, drawn)
		}
		out = append(out, c)
	}
	return out
}

// curves are the quantiles of each load, one chart a load with a line for each path. Along x each nine takes the same
// room, so that the rare slow ones can be seen.
func curves(s *Result) []*chart {
	var out []*chart
	byLoad := make(map[string]*chart)
	for _, row := range s.Rows {
		if len(row.Curve) != len(shares) {
			continue
		}
		c := byLoad[row.Load]
		if c == nil {
			c = &chart{title: row.Load + ": latency", x: "percentile", y: "ms", logarithmic: true, ticks: nines()}
			if row.TTFT50 > 0 {
				c.title = row.Load + ": time to the first content"
			}
			byLoad[row.Load] = c
			out = append(out, c)
		}
		line := chartLine{name: row.Path, ys: row.Curve}
		for _, q := range shares {
			line.xs = append(line.xs, -math.Log10(1-q))
		}
		c.lines = append(c.lines, line)
	}
	return out
}

func nines() []tickMark {
	var ticks []tickMark
	for _, p := range []float64{0, 50, 90, 99, 99.9} {
		ticks = append(ticks, tickMark{-math.Log10(1 - p/100), fmt.Sprintf("%g", p)})
	}
	return ticks
}

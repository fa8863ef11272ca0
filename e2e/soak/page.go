package main

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"time"
)

// style is all of the page's looks; it needs nothing from elsewhere.
const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.2rem .6rem;text-align:left;vertical-align:top}
svg{width:100%;height:auto;background:#fafafa;border:1px solid #ddd}figure{margin:1.5rem 0}figcaption{font-weight:600}
.bad{color:#b00020;font-weight:600}polyline{fill:none;stroke:#1f5fa8;stroke-width:1.5}text{font:11px system-ui,sans-serif;fill:#555}.grid{stroke:#ddd}.fit{stroke:#b06000;stroke-dasharray:5 4}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}svg{background:#1d1d1d;border-color:#444}td,th{border-color:#444}text{fill:#aaa}.grid{stroke:#333}.bad{color:#ff7a85}polyline{stroke:#6db1ff}}`

// page is the report as one HTML page with plots.
func (r *report) page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Soak of %s</title><style>%s</style>\n", r.plan.length, style)
	fmt.Fprintf(&b, "<h1>Soak of %s</h1>\n<table><tr><th>Check<th>Wanted<th>Found<th></tr>\n", r.plan.length)
	for _, v := range r.verdicts() {
		class := ""
		if !v.ok {
			class = ` class="bad"`
		}
		fmt.Fprintf(&b, "<tr%s><td>%s<td>%s<td>%s<td>%s</tr>\n", class, html.EscapeString(v.what), html.EscapeString(v.want), html.EscapeString(v.got), strings.Trim(mark(v.ok), "*"))
	}
	b.WriteString("</table>\n")
	for _, f := range figures {
		fmt.Fprintf(&b, "<figure><figcaption>%s</figcaption>%s</figure>\n", f.name, plot(r.samples, f))
	}
	fmt.Fprintf(&b, "<h2>All figures</h2><pre>%s</pre></html>\n", html.EscapeString(r.markdown()))
	return b.String()
}

// The size of a plot, and of its margins.
const (
	plotWidth, plotHeight = 900.0, 200.0
	left, right           = 80.0, 12.0
	top, bottom           = 12.0, 24.0
)

// plot draws a figure against the time, from zero, with the line through its
// steady part.
func plot(samples []sample, f figure) string {
	if len(samples) < 2 {
		return "<p>too few samples</p>"
	}
	end := samples[len(samples)-1].at.Seconds()
	highest := slices.MaxFunc(samples, func(a, b sample) int { return int(f.of(a)*100) - int(f.of(b)*100) })
	limit := max(f.of(highest)*1.1, 1)
	x := func(s float64) float64 { return left + s/end*(plotWidth-left-right) }
	y := func(v float64) float64 { return plotHeight - bottom - v/limit*(plotHeight-top-bottom) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, plotWidth, plotHeight, html.EscapeString(f.name))
	for i := range 5 {
		v := limit * float64(i) / 4
		fmt.Fprintf(&b, `<line class="grid" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/><text x="4" y="%.1f">%s</text>`, left, plotWidth-right, y(v), y(v), y(v)+4, f.show(v))
		at := time.Duration(end * float64(i) / 4 * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" text-anchor="middle">%s</text>`, min(x(at.Seconds()), plotWidth-30), plotHeight-6, at)
	}
	b.WriteString(`<polyline points="`)
	for _, s := range samples {
		fmt.Fprintf(&b, "%.1f,%.1f ", x(s.at.Seconds()), y(f.of(s)))
	}
	b.WriteString(`"/>`)
	l, part := fit(steady(samples), f.of), steady(samples)
	first, last := part[0].at.Seconds(), part[len(part)-1].at.Seconds()
	if len(part) > 2 {
		fmt.Fprintf(&b, `<line class="fit" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, x(first), y(l.mean-l.slope*l.seconds/2), x(last), y(l.mean+l.slope*l.seconds/2))
	}
	b.WriteString("</svg>")
	return b.String()
}

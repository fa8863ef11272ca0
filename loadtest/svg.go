package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chart is a drawing of lines with two axes. Points are in the chart's own units.
type chart struct {
	title, x, y string
	lines       []chartLine
	ticks       []tickMark // along x; none: ten even ones
	logarithmic bool       // y
}

type chartLine struct {
	name   string
	xs, ys []float64
}

type tickMark struct {
	at    float64
	label string
}

// The size of a chart and of the margins around its lines, in pixels.
const (
	chartWidth, chartHeight = 640, 260
	marginLeft, marginRight = 56, 130
	marginTop, marginBottom = 28, 40
)

// colour returns one of five that are told apart by people who do not see all of them, too.
func colour(i int) string {
	return [...]string{"#8a8f98", "#2f7ed8", "#e08214", "#7b3294", "#1a9850"}[i%5]
}

// svg draws the chart.
func (c *chart) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label=%q>`, chartWidth, chartHeight, html.EscapeString(c.title))
	fmt.Fprintf(&b, `<text x="%d" y="16" class="title">%s</text>`, marginLeft, html.EscapeString(c.title))
	s := c.scale()
	c.axes(&b, s)
	for i, line := range c.lines {
		c.draw(&b, s, i, line)
	}
	b.WriteString("</svg>")
	return b.String()
}

// scale maps a chart's units to pixels.
type scale struct {
	minX, maxX, minY, maxY float64
	logarithmic            bool
}

func (c *chart) scale() scale {
	s := scale{minX: math.Inf(1), maxX: math.Inf(-1), minY: math.Inf(1), maxY: math.Inf(-1), logarithmic: c.logarithmic}
	for _, line := range c.lines {
		for i := range line.xs {
			s.minX, s.maxX = min(s.minX, line.xs[i]), max(s.maxX, line.xs[i])
			y := line.ys[i]
			if c.logarithmic {
				y = max(y, smallest)
			}
			s.minY, s.maxY = min(s.minY, y), max(s.maxY, y)
		}
	}
	if c.logarithmic {
		s.minY, s.maxY = math.Pow(10, math.Floor(math.Log10(s.minY))), math.Pow(10, math.Ceil(math.Log10(s.maxY)))
		if s.minY == s.maxY {
			s.maxY *= 10 // a power of ten and nothing else
		}
	} else {
		s.minY, s.maxY = 0, round125(s.maxY)
	}
	if !(s.maxX > s.minX) {
		s.minX, s.maxX = 0, 1
	}
	if !(s.maxY > s.minY) || math.IsInf(s.maxY, 0) {
		s.minY, s.maxY, s.logarithmic = 0, 1, false
	}
	return s
}

// smallest is what a logarithmic axis may begin with: a nanosecond in milliseconds.
const smallest = 1e-6

// round125 returns the next number above v that is 1, 2 or 5 times a power of ten.
func round125(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5, 10} {
		if n*power >= v {
			return n * power
		}
	}
	return 10 * power
}

func (s scale) x(v float64) float64 {
	return marginLeft + (v-s.minX)/(s.maxX-s.minX)*(chartWidth-marginLeft-marginRight)
}

func (s scale) y(v float64) float64 {
	share := (v - s.minY) / (s.maxY - s.minY)
	if s.logarithmic {
		share = math.Log(max(v, s.minY)/s.minY) / math.Log(s.maxY/s.minY)
	}
	return chartHeight - marginBottom - share*(chartHeight-marginTop-marginBottom)
}

// axes draws the grid, the ticks and what the axes mean.
func (c *chart) axes(b *strings.Builder, s scale) {
	left, right, bottom := s.x(s.minX), s.x(s.maxX), float64(chartHeight-marginBottom)
	for _, v := range s.yTicks() {
		y := s.y(v)
		fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="grid"/><text x="%.1f" y="%.1f" class="tick end">%g</text>`, left, y, right, y, left-6, y+4, v)
	}
	ticks := c.ticks
	if ticks == nil {
		for i := range 6 {
			v := s.minX + (s.maxX-s.minX)*float64(i)/5
			ticks = append(ticks, tickMark{v, fmt.Sprintf("%.3g", v)})
		}
	}
	for _, t := range ticks {
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" class="tick middle">%s</text>`, s.x(t.at), bottom+15, html.EscapeString(t.label))
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" class="tick middle">%s</text>`, (left+right)/2, bottom+32, html.EscapeString(c.x))
	fmt.Fprintf(b, `<text x="10" y="%d" class="tick">%s</text>`, marginTop-12+4, html.EscapeString(c.y))
}

func (s scale) yTicks() []float64 {
	var ticks []float64
	if s.logarithmic {
		for v := s.minY; v <= s.maxY*1.001; v *= 10 {
			ticks = append(ticks, v)
		}
		return ticks
	}
	for i := range 5 {
		ticks = append(ticks, s.minY+(s.maxY-s.minY)*float64(i)/4)
	}
	return ticks
}

// draw adds a line and its name at the right.
func (c *chart) draw(b *strings.Builder, s scale, i int, line chartLine) {
	stroke := pathColour(line.name, i)
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, stroke)
	for j := range line.xs {
		fmt.Fprintf(b, "%.1f,%.1f ", s.x(line.xs[j]), s.y(line.ys[j]))
	}
	y := marginTop + 16*i + 8
	fmt.Fprintf(b, `"/><rect x="%d" y="%d" width="10" height="10" fill="%s"/>`, chartWidth-marginRight+12, y-9, stroke)
	fmt.Fprintf(b, `<text x="%d" y="%d" class="tick">%s</text>`, chartWidth-marginRight+28, y, html.EscapeString(line.name))
}

package main

import (
	"fmt"
	"html"
	"strings"
)

// bars draws a value for each path of each load, as bars one below the other.
func bars(title string, rows []Row, value func(Row) float64, decimals int) string {
	var most float64
	var shown []Row
	for _, row := range rows {
		if value(row) > 0 {
			shown = append(shown, row)
			most = max(most, value(row))
		}
	}
	if len(shown) < 2 {
		return ""
	}
	const height, left, room = 16, 250, 300
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label=%q>`, chartWidth, 30+height*len(shown), html.EscapeString(title))
	fmt.Fprintf(&b, `<text x="0" y="16" class="title">%s</text>`, html.EscapeString(title))
	for i, row := range shown {
		y := 26 + height*i
		fmt.Fprintf(&b, `<text x="%d" y="%d" class="tick end">%s</text>`, left-8, y+11, html.EscapeString(row.Load+", "+row.Path))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, left, y+1, value(row)/most*room, height-4, pathColour(row.Path, ours))
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" class="tick">%s</text>`, left+value(row)/most*room+6, y+11, number(value(row), decimals, true))
	}
	b.WriteString("</svg>")
	return b.String()
}

// pathColour gives each path the same colour everywhere, and others that of their number.
func pathColour(path string, otherwise int) string {
	for i, name := range pathNames {
		if name == path {
			return colour(i)
		}
	}
	return colour(otherwise)
}

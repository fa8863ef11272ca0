package cli

import (
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// The colours of a terminal.
const (
	Red    = "31"
	Green  = "32"
	Yellow = "33"
	dim    = "2"
	bold   = "1"
)

// Painter returns a function that colours text if w is a terminal and NO_COLOR
// is not set (no-color.org).
func Painter(w io.Writer) func(colour, text string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" {
		return func(_, text string) string { return text }
	}
	return func(colour, text string) string {
		if colour == "" || text == "" {
			return text
		}
		return "\x1b[" + colour + "m" + text + "\x1b[0m"
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// table lays text out in columns. A head that begins with a tab is that of a
// column of numbers, which stand at the right.
type table struct {
	head []string
	rows [][]cell
}

// cell is a text with its colour, or without.
type cell struct{ text, colour string }

// row adds a row of strings and cells.
func (t *table) row(cells ...any) {
	row := make([]cell, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case cell:
			row[i] = cell{clean(c.text), c.colour}
		case string:
			row[i].text = clean(c)
		}
	}
	t.rows = append(t.rows, row)
}

// write prints the table.
func (t *table) write(w io.Writer, paint func(colour, text string) string) error {
	widths, right := make([]int, len(t.head)), make([]bool, len(t.head))
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		text, number := strings.CutPrefix(h, "\t")
		head[i], right[i] = cell{strings.ToUpper(text), bold}, number
	}
	all := append([][]cell{head}, t.rows...)
	for _, row := range all {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for i, c := range row {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
			text := paint(c.colour, c.text)
			if right[i] {
				text = gap + text
			} else {
				text += gap
			}
			line.WriteString(text + "  ")
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clean takes out of a text what would change how the terminal shows it: names
// of models and messages of providers come from elsewhere.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

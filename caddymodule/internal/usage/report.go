package usage

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// column is one column of the tables that people and programs get.
type column struct {
	name string // in CSV and JSON, and in the console's answers
	head string // for people; empty: not shown to them
	text func(*Sums) string
	fig  func(*Sums) int64
}

func columnsOfReport() []column {
	count := func(n int64) string { return thousands(n) }
	of := func(name, head string, fig func(*Sums) int64, text func(int64) string) column {
		return column{name, head, func(s *Sums) string { return text(fig(s)) }, fig}
	}
	return []column{
		of("requests", "requests", func(s *Sums) int64 { return s.Requests }, count),
		of("failures", "failed", func(s *Sums) int64 { return s.Failures }, count),
		of("canceled", "", func(s *Sums) int64 { return s.Canceled }, count),
		of("tokens_in", "tokens in", func(s *Sums) int64 { return s.Input }, count),
		of("tokens_out", "out", func(s *Sums) int64 { return s.Output }, count),
		of("tokens_cached", "cached", func(s *Sums) int64 { return s.CacheRead }, count),
		of("tokens_cache_write", "", func(s *Sums) int64 { return s.CacheWrite }, count),
		of("tokens_reasoning", "", func(s *Sums) int64 { return s.Reasoning }, count),
		of("estimated", "", func(s *Sums) int64 { return s.Estimated }, count),
		of("cost_microusd", "cost", func(s *Sums) int64 { return s.Cost }, Dollars),
		of("bytes_in", "", func(s *Sums) int64 { return s.BytesIn }, count),
		of("bytes_out", "", func(s *Sums) int64 { return s.BytesOut }, count),
		of("ttft_us", "ttft", func(s *Sums) int64 { return s.TTFT.Microseconds() }, seconds),
		of("duration_us", "duration", func(s *Sums) int64 { return s.Duration.Microseconds() }, seconds),
		of("attempts", "attempts", func(s *Sums) int64 { return s.Attempts }, count),
		of("failed_attempts", "failed", func(s *Sums) int64 { return s.FailedAttempts }, count),
	}
}

// Dollars writes micro-dollars as people read them: "$12.3456". What is less
// than a hundredth of a cent is not rounded away.
func Dollars(micro int64) string {
	sign := ""
	if micro < 0 {
		sign, micro = "-", -micro
	}
	cents := fmt.Sprintf("%06d", micro%1_000_000)
	if strings.HasSuffix(cents, "00") {
		cents = cents[:4]
	}
	return sign + "$" + thousands(micro/1_000_000) + "." + cents
}

// thousands writes a number in groups of three digits.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func seconds(micro int64) string {
	return strconv.FormatFloat(float64(micro)/1e6, 'f', 2, 64) + "s"
}

// title is the head of the first column.
func (t *Totals) title() string {
	if t.By == ByNothing {
		return "all"
	}
	return string(t.By)
}

// rows are the groups; the total alone if there was nothing to group by.
func (t *Totals) rows() []Group {
	if t.By == ByNothing {
		return []Group{{Sums: t.Total}}
	}
	return t.Groups
}

// WriteTable writes totals for people, with a line for all of them.
func WriteTable(w io.Writer, t *Totals) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	shown := []column{}
	line := []string{t.title()}
	for _, c := range columnsOfReport() {
		if c.head != "" {
			shown, line = append(shown, c), append(line, c.head)
		}
	}
	put := func(cells []string) {
		fmt.Fprintln(tw, strings.Join(cells, "\t")+"\t") // tw fails in Flush
	}
	put(line)
	row := func(key string, s *Sums) {
		cells := []string{key}
		for _, c := range shown {
			cells = append(cells, c.text(s))
		}
		put(cells)
	}
	if t.By != ByNothing {
		for i := range t.Groups {
			row(visible(t.Groups[i].Key), &t.Groups[i].Sums)
		}
	}
	row("total", &t.Total)
	if err := tw.Flush(); err != nil {
		return err
	}
	return t.footnotes(w)
}

// footnotes says what the figures alone would hide.
func (t *Totals) footnotes(w io.Writer) error {
	var notes []string
	if !t.From.IsZero() {
		notes = append(notes, "Since "+t.From.UTC().Format("2006-01-02 15:04:05 MST")+".")
	}
	if n := t.Total.Estimated; n > 0 {
		notes = append(notes, fmt.Sprintf("The tokens of %s of %s requests are estimates: the provider stated none.", thousands(n), thousands(t.Total.Requests)))
	}
	if t.More {
		notes = append(notes, fmt.Sprintf("Only the first %s groups are shown; the total is of all.", thousands(int64(len(t.Groups)))))
	}
	for _, n := range notes {
		if _, err := fmt.Fprintln(w, n); err != nil {
			return err
		}
	}
	return nil
}

// visible is a key as a terminal may show it: names come from clients, and
// control characters would act on it.
func visible(key string) string {
	if key == "" {
		return "(none)"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, key)
}

// WriteJSON writes totals for programs, in the form of the console's answers:
// durations in microseconds, money in micro-dollars.
func WriteJSON(w io.Writer, t *Totals) error {
	type object = orderedObject
	columns := columnsOfReport()
	sums := func(o object, s *Sums) object {
		for _, c := range columns {
			o = append(o, member{c.name, c.fig(s)})
		}
		return o
	}
	groups := []object{}
	for i := range t.Groups {
		groups = append(groups, sums(object{{"key", t.Groups[i].Key}}, &t.Groups[i].Sums))
	}
	out := object{{"by", t.By}}
	if !t.From.IsZero() {
		out = append(out, member{"from", t.From.Format(time.RFC3339Nano)})
	}
	if !t.Until.IsZero() {
		out = append(out, member{"until", t.Until.Format(time.RFC3339Nano)})
	}
	out = append(out, member{"groups", groups}, member{"total", sums(nil, &t.Total)}, member{"more", t.More})
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// orderedObject is a JSON object whose members keep their order.
type orderedObject []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o orderedObject) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, m.name) // names are plain ASCII
		b = append(append(b, ':'), value...)
	}
	return append(b, '}'), nil
}

// WriteCSV writes totals for spreadsheets, without a line for all. A key that
// a spreadsheet would take for a formula gets an apostrophe in front: clients
// choose some of them.
func WriteCSV(w io.Writer, t *Totals) error {
	out := csv.NewWriter(w)
	columns := columnsOfReport()
	line := []string{t.title()}
	for _, c := range columns {
		line = append(line, c.name)
	}
	err := out.Write(line)
	for _, g := range t.rows() {
		if err != nil {
			return err
		}
		line = append(line[:0], cell(g.Key))
		for _, c := range columns {
			line = append(line, strconv.FormatInt(c.fig(&g.Sums), 10))
		}
		err = out.Write(line)
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

// cell is a text that no spreadsheet acts on. Some skip blanks and control
// characters before they look for a formula.
func cell(text string) string {
	bare := strings.TrimLeftFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	if bare != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(bare)[0]) || text != "" && (text[0] == '\t' || text[0] == '\r' || text[0] == '\n') {
		return "'" + text
	}
	return text
}

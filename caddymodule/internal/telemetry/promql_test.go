package telemetry

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A query reads one PromQL expression, as far as dashboards and rules here use
// the language, against the metrics there are. It finds what Prometheus would
// refuse (syntax, types, vector matching) and what it would silently answer with
// nothing: metrics, labels and label values that do not exist.
type query struct {
	rest    string
	metrics map[string]metricShape
}

// metricShape is what is known of a metric.
type metricShape struct {
	labels    []string
	histogram bool
}

// kindOf is the type of an expression.
type kindOf int

const (
	scalar kindOf = iota
	vector
	ranged
)

// typed is an expression's type and the labels its series have.
type typed struct {
	kind   kindOf
	labels []string
}

// values are the values that labels with a fixed set of them have.
var values = map[string][]string{
	"state":     {KeyReady, KeyResting, KeyDisabled, "closed", "half_open", "open"},
	"kind":      kinds[:],
	"source":    sources[:],
	"direction": {"in", "out"},
	"store":     {"ledger", "audit"},
}

// functions are those that may be used: their arguments and results.
var functions = map[string]struct {
	args   []kindOf
	result kindOf
}{
	"rate": {[]kindOf{ranged}, vector}, "increase": {[]kindOf{ranged}, vector}, "absent": {[]kindOf{vector}, vector},
	"sort_desc": {[]kindOf{vector}, vector}, "vector": {[]kindOf{scalar}, vector}, "histogram_quantile": {[]kindOf{scalar, vector}, vector},
}

var aggregations = []string{"sum", "max", "min", "avg", "count"}

// operators by how tightly they bind.
var operators = [][]string{{"or"}, {"and", "unless"}, {"==", "!=", "<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/", "%"}}

// refused is how the reader reports what is wrong.
type refused struct{ why string }

func (q *query) fail(format string, args ...any) {
	panic(refused{fmt.Sprintf(format, args...) + " at " + strconv.Quote(q.rest)})
}

// check reads an expression and returns the labels of its result.
func check(expr string, metrics map[string]metricShape) (labels []string, err error) {
	defer func() {
		if r, ok := recover().(refused); ok {
			err = fmt.Errorf("%s: in %s", r.why, expr)
		}
	}()
	q := &query{rest: expr, metrics: metrics}
	result := q.binary(0)
	if q.space(); q.rest != "" {
		q.fail("something is left")
	}
	if result.kind == ranged {
		q.fail("the result is a range")
	}
	return result.labels, nil
}

func (q *query) space() { q.rest = strings.TrimLeft(q.rest, " \n\t") }

func (q *query) take(token string) bool {
	q.space()
	rest, ok := strings.CutPrefix(q.rest, token)
	if word := token[0] >= 'a' && token[0] <= 'z'; ok && word && rest != "" && isName(rest[0]) {
		return false
	}
	if ok {
		q.rest = rest
	}
	return ok
}

func (q *query) want(token string) {
	if !q.take(token) {
		q.fail("want %q", token)
	}
}

func isName(c byte) bool {
	return c == '_' || c == ':' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func (q *query) name() string {
	q.space()
	n := 0
	for n < len(q.rest) && isName(q.rest[n]) {
		n++
	}
	word := q.rest[:n]
	q.rest = q.rest[n:]
	return word
}

func (q *query) binary(level int) typed {
	if level == len(operators) {
		return q.unary()
	}
	left := q.binary(level + 1)
	for {
		op := q.operator(operators[level])
		if op == "" {
			return left
		}
		on, matched := q.matching()
		right := q.binary(level + 1)
		left = q.combine(left, right, op, on, matched)
	}
}

func (q *query) operator(among []string) string {
	for _, op := range among {
		if q.take(op) {
			return op
		}
	}
	return ""
}

// matching reads on (…) or ignoring (…).
func (q *query) matching() (labels []string, matched string) {
	for _, word := range []string{"on", "ignoring"} {
		if q.take(word) {
			return q.list(), word
		}
	}
	return nil, ""
}

func (q *query) list() []string {
	var out []string
	q.want("(")
	for !q.take(")") {
		out = append(out, q.name())
		q.take(",")
	}
	return out
}

func (q *query) combine(left, right typed, op string, listed []string, matched string) typed {
	switch {
	case left.kind == ranged || right.kind == ranged:
		q.fail("%s takes no range", op)
	case matched != "" && (left.kind == scalar || right.kind == scalar):
		q.fail("%s matches vectors only", matched)
	case left.kind == scalar:
		return right
	case right.kind == scalar, op == "or":
		return left
	}
	side := func(labels []string) []string {
		return slices.DeleteFunc(slices.Sorted(slices.Values(labels)), func(l string) bool { return slices.Contains(listed, l) == (matched != "on") && matched != "" })
	}
	if l, r := side(left.labels), side(right.labels); !slices.Equal(l, r) {
		q.fail("%s never matches: %v and %v", op, l, r)
	}
	return typed{vector, side(left.labels)}
}

func (q *query) unary() typed {
	q.space()
	if q.take("(") {
		inner := q.binary(0)
		q.want(")")
		return inner
	}
	if q.rest != "" && (q.rest[0] >= '0' && q.rest[0] <= '9' || q.rest[0] == '.') {
		n := 0
		for n < len(q.rest) && (q.rest[n] == '.' || q.rest[n] >= '0' && q.rest[n] <= '9') {
			n++
		}
		q.rest = q.rest[n:]
		return typed{kind: scalar}
	}
	word := q.name()
	if f, ok := functions[word]; ok {
		return q.call(word, f.args, f.result)
	}
	if slices.Contains(aggregations, word) {
		return q.aggregate(word)
	}
	return q.selector(word)
}

func (q *query) call(name string, args []kindOf, result kindOf) typed {
	q.want("(")
	out := typed{kind: result}
	for i, want := range args {
		if i > 0 {
			q.want(",")
		}
		got := q.binary(0)
		if got.kind != want {
			q.fail("%s: argument %d has the wrong type", name, i+1)
		}
		out.labels = got.labels
	}
	q.want(")")
	switch {
	case name == "absent" || name == "vector":
		out.labels = nil
	case name == "histogram_quantile":
		if !slices.Contains(out.labels, "le") {
			q.fail("histogram_quantile needs the label le")
		}
		out.labels = slices.DeleteFunc(slices.Clone(out.labels), func(l string) bool { return l == "le" })
	}
	return out
}

func (q *query) aggregate(name string) typed {
	var by []string
	if q.take("by") {
		by = q.list()
	}
	q.want("(")
	inner := q.binary(0)
	q.want(")")
	if inner.kind != vector {
		q.fail("%s takes a vector", name)
	}
	for _, l := range by {
		if !slices.Contains(inner.labels, l) {
			q.fail("%s by %s, which is no label of %v", name, l, inner.labels)
		}
	}
	return typed{vector, by}
}

func (q *query) selector(name string) typed {
	labels, ok := q.shape(name)
	if !ok {
		q.fail("no metric %q", name)
	}
	if q.take("{") {
		for !q.take("}") {
			q.matcher(labels)
			q.take(",")
		}
	}
	if !q.take("[") {
		return typed{vector, labels}
	}
	width, rest, _ := strings.Cut(q.rest, "]")
	if width != "$__rate_interval" && !regexp.MustCompile(`^[0-9]+[smhd]$`).MatchString(width) {
		q.fail("no duration: %q", width)
	}
	q.rest = rest
	return typed{ranged, labels}
}

// shape returns the labels of a series by its name, which for a histogram ends
// in _bucket, _sum or _count.
func (q *query) shape(name string) ([]string, bool) {
	if m, ok := q.metrics[name]; ok && !m.histogram {
		return m.labels, true
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, cut := strings.CutSuffix(name, suffix)
		if m, ok := q.metrics[base]; cut && ok && m.histogram {
			if suffix == "_bucket" {
				return append(slices.Clone(m.labels), "le"), true
			}
			return m.labels, true
		}
	}
	return nil, false
}

func (q *query) matcher(labels []string) {
	label := q.name()
	op := q.operator([]string{"=~", "!~", "!=", "="})
	if !slices.Contains(labels, label) || op == "" {
		q.fail("no label %q among %v", label, labels)
	}
	q.want(`"`)
	value, rest, ok := strings.Cut(q.rest, `"`)
	if !ok {
		q.fail("a string does not end")
	}
	q.rest = rest
	known := values[label]
	switch label {
	case "class":
		known = classNames()
	case "ceiling":
		known = ceilingNames()
	}
	for one := range strings.SplitSeq(value, "|") {
		if known != nil && !strings.HasPrefix(one, "$") && !slices.Contains(known, one) {
			q.fail("label %s is never %q", label, one)
		}
	}
}

package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// envPrefix begins every environment variable that sets a value:
// AIMUX_PROVIDERS__ZAI__TIER=2 sets /providers/zai/tier. Two underscores
// separate levels; names match in upper case, with every other character than
// letters and digits written as one underscore.
const envPrefix = "AIMUX_"

// reservedEnv are AIMUX_ variables that are not configuration: the Caddyfile and
// the commands read them, and images and installers like to set AIMUX_VERSION.
var reservedEnv = []string{"AIMUX_SITE", "AIMUX_CONFIG", "AIMUX_ADMIN", "AIMUX_LOG", "AIMUX_VERSION", "AIMUX_KEK", "AIMUX_ACCEPT_VAULT", "AIMUX_ACCEPT_AUDIT",
	"AIMUX_URL", "AIMUX_TOKEN", "AIMUX_MODEL", "AIMUX_BIND", "AIMUX_CONSOLE_PORT", "AIMUX_SHUTDOWN_DELAY", "AIMUX_ACCESS_LOG", "AIMUX_DEV_LOGIN"}

// assignment is one value set by an environment variable.
type assignment struct {
	variable string
	steps    []string
	value    any
}

// environment reads the AIMUX_ variables against the document they change.
type environment struct {
	tree        map[string]any
	kinds       []string // names of providers that may be made, beside those in tree
	rows        map[string]int
	assignments []assignment
	problems    Problems
	warnings    Problems
}

// readEnvironment turns the variables of environ ("NAME=value") into
// assignments. A variable set to nothing counts as not set.
func readEnvironment(environ []string, tree map[string]any, kinds []string) *environment {
	e := &environment{tree: tree, kinds: kinds, rows: map[string]int{}}
	vars := map[string]string{}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && value != "" && strings.HasPrefix(name, envPrefix) && !slices.Contains(reservedEnv, name) {
			vars[name] = value
		}
	}
	// Rows are made in the order of their index: 9 before 10.
	names := slices.SortedFunc(maps.Keys(vars), func(a, b string) int {
		return cmp.Or(slices.CompareFunc(strings.Split(a, "__"), strings.Split(b, "__"), compareStep), cmp.Compare(a, b))
	})
	for _, name := range names {
		e.read(name, vars[name])
	}
	return e
}

func compareStep(a, b string) int {
	i, errA := strconv.Atoi(a)
	j, errB := strconv.Atoi(b)
	if errA == nil && errB == nil {
		return cmp.Compare(i, j)
	}
	return cmp.Compare(a, b)
}

func (e *environment) read(variable, value string) {
	segments := strings.Split(strings.TrimPrefix(variable, envPrefix), "__")
	if len(segments) == 1 && !e.isTopLevel(segments[0]) {
		e.stray(variable, segments[0])
		return
	}
	s, steps, hint, ok := e.resolve(segments)
	if !ok {
		e.problems = append(e.problems, Problem{Variable: variable, Msg: "there is no such setting", Hint: hint})
		return
	}
	v, err := typedValue(s, value)
	if err != nil {
		e.problems = append(e.problems, Problem{Variable: variable, Pointer: joinPointer(steps), Msg: err.Error()})
		return
	}
	e.assignments = append(e.assignments, assignment{variable, steps, v})
}

func (e *environment) isTopLevel(segment string) bool {
	for name := range rootSpec().names() {
		if envName(name) == segment {
			return true
		}
	}
	return false
}

// stray handles a variable without levels. Most are not ours (Kubernetes sets
// AIMUX_SERVICE_HOST and the like for a service called aimux); those that look
// like a setting with single underscores get a warning.
func (e *environment) stray(variable, segment string) {
	for name := range rootSpec().names() {
		if rest, ok := strings.CutPrefix(segment, envName(name)+"_"); ok {
			e.warnings = append(e.warnings, Problem{Variable: variable, Msg: "it is not read",
				Hint: "two underscores separate levels, as in " + envPrefix + envName(name) + "__" + rest})
			return
		}
	}
	if hint := didYouMean(variable, slices.Values(reservedEnv)); hint != "" {
		e.warnings = append(e.warnings, Problem{Variable: variable, Msg: "it is not read", Hint: hint})
	}
}

// resolve follows the segments of a name through the schema and the document.
// When a segment fits nothing, hint names the nearest variable.
func (e *environment) resolve(segments []string) (s *spec, steps []string, hint string, ok bool) {
	s = rootSpec()
	var at any = e.tree
	for i, segment := range segments {
		pointer := joinPointer(steps)
		step, ok := e.step(s, at, pointer, segment)
		if !ok {
			return nil, nil, nearestVariable(segments, i, e.candidates(s, at, pointer)), false
		}
		steps = append(steps, step)
		at, _ = lookup(at, "/"+escapePointer(step))
		if s.items != nil {
			s = s.items
		} else {
			s = s.member(step)
		}
	}
	return s, steps, "", true
}

// step finds the member or row that a segment names.
func (e *environment) step(s *spec, at any, pointer, segment string) (string, bool) {
	if s.items != nil {
		return e.row(at, pointer, segment)
	}
	for name := range s.names() {
		if envName(name) == segment {
			return name, true
		}
	}
	if s.extra == nil || segment == "" {
		return "", false
	}
	if name, ok := e.existing(at, pointer, segment); ok {
		return name, true
	}
	return strings.ReplaceAll(strings.ToLower(segment), "_", "-"), true
}

// existing finds a name of the user's choice that is already in the document, or
// a provider kind.
func (e *environment) existing(at any, pointer, segment string) (string, bool) {
	members, _ := at.(map[string]any)
	names := slices.Sorted(maps.Keys(members))
	if pointer == "/providers" {
		names = append(names, e.kinds...)
	}
	for _, name := range names {
		if envName(name) == segment {
			return name, true
		}
	}
	return "", false
}

// row finds a row by its index, or by what identifies it: ZAI_MAIN or zai/main
// for the key main of zai. An index one past the last row makes a new one.
func (e *environment) row(at any, pointer, segment string) (string, bool) {
	rows, _ := at.([]any)
	if i, err := strconv.Atoi(segment); err == nil {
		n := max(len(rows), e.rows[pointer])
		if i < 0 || i > n {
			return "", false
		}
		e.rows[pointer] = max(n, i+1)
		return strconv.Itoa(i), true
	}
	for i, name := range rowNames(rows, pointer) {
		if name != "" && envName(name) == envName(segment) {
			return strconv.Itoa(i), true
		}
	}
	return "", false
}

func rowNames(rows []any, pointer string) []string {
	out := make([]string, len(rows))
	if id := rowIdentity(pointer); id != nil {
		for i, row := range rows {
			out[i], _ = id(row)
		}
	}
	return out
}

// candidates lists the segments that would have fitted.
func (e *environment) candidates(s *spec, at any, pointer string) []string {
	var out []string
	for name := range s.names() {
		out = append(out, envName(name))
	}
	if rows, ok := at.([]any); ok {
		for i, name := range rowNames(rows, pointer) {
			out = append(out, strconv.Itoa(i), envName(name))
		}
	}
	return out
}

func nearestVariable(segments []string, bad int, candidates []string) string {
	c, ok := nearest(segments[bad], slices.Values(candidates))
	if !ok {
		return ""
	}
	fixed := slices.Clone(segments)
	fixed[bad] = c
	return "did you mean " + envPrefix + strings.Join(fixed, "__") + "?"
}

// envName is how a name is spelt within a variable: upper case, everything but
// letters and digits one underscore.
func envName(name string) string {
	return strings.Map(func(c rune) rune {
		if isLetter(c) || '0' <= c && c <= '9' {
			return c
		}
		return '_'
	}, strings.ToUpper(name))
}

// typedValue reads a variable's text as the type the schema wants: lists are
// separated by commas, lists of objects and objects are JSON.
func typedValue(s *spec, text string) (any, error) {
	switch {
	case s.is("integer"):
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
	case s.is("number"):
		if isNumber(text) {
			return number(text), nil
		}
	case s.is("boolean"):
		if b, err := strconv.ParseBool(text); err == nil {
			return b, nil
		}
	case s.is("array") && s.items.is("string") && !strings.HasPrefix(text, "["):
		var out []any
		for part := range strings.SplitSeq(text, ",") {
			out = append(out, strings.TrimSpace(part))
		}
		return out, nil
	case s.is("array"), s.is("object"):
		return jsonValue(s, text)
	}
	if s.is("string") {
		return text, nil
	}
	return nil, fmt.Errorf("expected %s, found %s", typeNames(s), quote(text))
}

func jsonValue(s *spec, text string) (any, error) {
	n, ps := parseJSON([]byte(text))
	if len(ps) == 0 {
		ps = n.checkKeys("", func(string) Position { return Position{} })
	}
	if len(ps) > 0 {
		return nil, fmt.Errorf("expected %s as JSON: %s", typeNames(s), ps[0].Msg)
	}
	return n.plain(), nil
}

// Read returns the assignments as a tree in which rows are addressed by index;
// the merger patches them in.
func (e *environment) Read() (map[string]any, error) {
	root := map[string]any{}
	for _, a := range e.assignments {
		in := root
		for _, step := range a.steps[:len(a.steps)-1] {
			next, ok := in[step].(map[string]any)
			if !ok {
				next = map[string]any{}
				in[step] = next
			}
			in = next
		}
		in[a.steps[len(a.steps)-1]] = a.value
	}
	return e.listed(root, rootSpec(), "").(map[string]any), nil
}

// listed turns an object of rows into a list where the document has no such list
// yet to be patched.
func (e *environment) listed(v any, s *spec, at string) any {
	members, ok := v.(map[string]any)
	if !ok || s == nil {
		return v
	}
	if s.items == nil {
		for name, m := range members {
			members[name] = e.listed(m, s.member(name), at+"/"+escapePointer(name))
		}
		return members
	}
	for i, m := range members {
		members[i] = e.listed(m, s.items, at+"/"+i)
	}
	if old, there := lookup(e.tree, at); there && old != nil {
		return members
	}
	out := make([]any, len(members))
	for i := range out {
		out[i] = members[strconv.Itoa(i)]
	}
	return out
}

// ReadBytes is not how the environment is read.
func (e *environment) ReadBytes() ([]byte, error) {
	return json.Marshal(len(e.assignments))
}

// origin finds the variable that set the value at a pointer or a part of it.
func (e *environment) origin(pointer string) origin {
	for _, a := range e.assignments {
		p := joinPointer(a.steps)
		if p == pointer || strings.HasPrefix(pointer, p+"/") || strings.HasPrefix(p, pointer+"/") {
			return origin{layer: layerEnv + a.variable, variable: a.variable}
		}
	}
	return origin{layer: layerEnv + "AIMUX_*"}
}

// used lists the variables that set something, sorted.
func (e *environment) used() []string {
	out := make([]string, len(e.assignments))
	for i, a := range e.assignments {
		out[i] = a.variable
	}
	slices.Sort(out)
	return slices.Compact(out)
}

package schema

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Setting is one value of the effective configuration and where it comes from.
type Setting struct {
	Pointer string `json:"pointer"`
	// Value is as JSON writes it; a secret is its reference.
	Value string `json:"value"`
	// Layer is LayerDefault, LayerFile, LayerOverrides, or "env " and a variable.
	Layer    string   `json:"layer"`
	Position Position `json:"-"`
}

// Settings yields every value of the effective configuration, in the order of the
// schema, maps by name.
func Settings(r *Result) iter.Seq[Setting] {
	return func(yield func(Setting) bool) {
		r.settings(rootSpec(), r.tree, "", yield)
	}
}

func (r *Result) settings(s *spec, v any, at string, yield func(Setting) bool) bool {
	switch t := v.(type) {
	case map[string]any:
		for _, name := range s.order(t) {
			if !r.settings(s.member(name), t[name], at+"/"+escapePointer(name), yield) {
				return false
			}
		}
		return true
	case []any:
		if s.items.is("object") {
			for i, e := range t {
				if !r.settings(s.items, e, at+"/"+strconv.Itoa(i), yield) {
					return false
				}
			}
			return true
		}
	}
	return yield(Setting{Pointer: at, Value: string(nodeOf(v).compact()), Layer: r.layer(at), Position: r.Positions[at]})
}

// LayerOf tells which layer the value at a pointer is from: LayerDefault,
// LayerFile, LayerOverrides, or "env " and the name of a variable.
func (r *Result) LayerOf(pointer string) string { return r.layer(pointer) }

// layer tells where a value is from: itself or what it is part of.
func (r *Result) layer(pointer string) string {
	for at := pointer; at != ""; at = parentPointer(at) {
		if l, ok := r.Layers[at]; ok {
			return l
		}
	}
	return LayerDefault
}

// order lists the members an object has, as the schema orders them.
func (s *spec) order(members map[string]any) []string {
	var out []string
	for name := range s.names() {
		if _, ok := members[name]; ok {
			out = append(out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// Show prints the effective configuration, a line for each value with the layer
// it is from:
//
//	/providers/zai/tier  2  env AIMUX_PROVIDERS__ZAI__TIER
//	/timeouts/connect    "5s"  default
func Show(r *Result) string {
	all := slices.Collect(Settings(r))
	width, valueWidth := 0, 0
	for _, s := range all {
		width, valueWidth = max(width, len(s.Pointer)), max(valueWidth, min(len(s.Value), 40))
	}
	var b strings.Builder
	for _, s := range all {
		from := s.Layer
		if s.Position.Line > 0 {
			from = s.Position.String()
		}
		fmt.Fprintf(&b, "%-*s  %-*s  %s\n", width, s.Pointer, valueWidth, s.Value, from)
	}
	return b.String()
}

// Report is what `aimux config check` prints, also as JSON.
type Report struct {
	OK       bool      `json:"ok"`
	Problems []Problem `json:"problems"`
	Warnings []Problem `json:"warnings"`
}

// Check loads a configuration for its problems and warnings alone.
func Check(o Options) Report {
	r, err := Load(o)
	if err == nil {
		return Report{OK: true, Problems: []Problem{}, Warnings: append([]Problem{}, r.Warnings...)}
	}
	report := Report{Problems: []Problem{}, Warnings: []Problem{}}
	if ps, ok := err.(*Problems); ok {
		report.Problems = *ps
	} else {
		report.Problems = append(report.Problems, Problem{Msg: err.Error()})
	}
	return report
}

// String returns one line for each problem and warning, warnings marked as such.
func (r Report) String() string {
	var b strings.Builder
	for _, p := range r.Problems {
		b.WriteString(p.String() + "\n")
	}
	for _, w := range r.Warnings {
		b.WriteString("warning: " + w.String() + "\n")
	}
	return b.String()
}

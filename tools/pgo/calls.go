package main

import (
	"cmp"
	"errors"
	"iter"
	"slices"

	"github.com/google/pprof/profile"
)

// call is one function calling another, as the compiler looks it up.
type call struct {
	caller string
	line   int64 // of the call, counted from the caller's first
	callee string
}

// calls are how often each was seen.
type calls map[call]int64

// add counts what is in a CPU profile. As the compiler does in its own reading, it
// looks at a stack's two innermost places only, with what is inlined in them: that
// main calls a server's loop says nothing about how often it does.
func (c calls) add(p *profile.Profile) error {
	index := slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == "samples" && t.Unit == "count" })
	if index < 0 {
		return errors.New("it is no CPU profile")
	}
	for _, s := range p.Sample {
		var callee frame
		for caller := range innermost(s) {
			if callee.function != "" && caller != callee {
				c[call{caller.function, caller.line, callee.function}] += s.Value[index]
			}
			callee = caller
		}
	}
	return nil
}

// frame is where a function was.
type frame struct {
	at       *profile.Location
	function string
	line     int64 // counted from the function's first
}

// places is how many of a stack's places count.
const places = 2

// innermost goes through the frames that count, the innermost first. Those of unknown functions are left out.
func innermost(s *profile.Sample) iter.Seq[frame] {
	return func(yield func(frame) bool) {
		for _, at := range s.Location[:min(places, len(s.Location))] {
			for _, line := range at.Line {
				if f := line.Function; f != nil && !yield(frame{at, f.Name, line.Line - f.StartLine}) {
					return
				}
			}
		}
	}
}

// counted is a call and how often it was seen.
type counted struct {
	call
	weight int64
}

// heaviest returns the most frequent calls which together have the given share
// of the whole weight, in an order that depends on nothing else.
func (c calls) heaviest(share float64) []counted {
	var all []counted
	var total int64
	for one, weight := range c {
		all = append(all, counted{one, weight})
		total += weight
	}
	slices.SortFunc(all, func(a, b counted) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.caller, b.caller), cmp.Compare(a.callee, b.callee),
			cmp.Compare(a.line, b.line))
	})
	var sum int64
	for i, one := range all {
		if sum += one.weight; float64(sum) >= share*float64(total) {
			return all[:i+1]
		}
	}
	return all
}

// small writes calls as a CPU profile: a stack of two frames for each.
func small(kept []counted) *profile.Profile {
	w := &writer{
		out:       &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}}},
		functions: make(map[string]*profile.Function), locations: make(map[place]*profile.Location),
	}
	for _, one := range kept {
		w.out.Sample = append(w.out.Sample, &profile.Sample{
			Location: []*profile.Location{w.location(one.callee, 0), w.location(one.caller, one.line)},
			Value:    []int64{one.weight},
		})
	}
	return w.out
}

// writer numbers functions and locations.
type writer struct {
	out       *profile.Profile
	functions map[string]*profile.Function
	locations map[place]*profile.Location
}

type place struct {
	function string
	line     int64
}

// firstLine is where every function is said to begin. The compiler counts from
// there and wants it to be above zero.
const firstLine = 1

func (w *writer) function(name string) *profile.Function {
	f := w.functions[name]
	if f == nil {
		f = &profile.Function{ID: uint64(len(w.functions) + 1), Name: name, SystemName: name, StartLine: firstLine}
		w.functions[name] = f
		w.out.Function = append(w.out.Function, f)
	}
	return f
}

func (w *writer) location(function string, line int64) *profile.Location {
	at := place{function, line}
	l := w.locations[at]
	if l == nil {
		l = &profile.Location{ID: uint64(len(w.locations) + 1), Line: []profile.Line{{Function: w.function(function), Line: firstLine + line}}}
		w.locations[at] = l
		w.out.Location = append(w.out.Location, l)
	}
	return l
}

package toon

import (
	"encoding/json"
	"math"
	"strconv"
)

// goScope is a container that is being converted to a map or a slice.
type goScope struct {
	cursor
	object map[string]any
	list   []any
}

// Interface returns v as map[string]any, []any, string, bool or nil. A number is
// an int64 when it is integral and fits, a json.Number when it is a greater
// integer or no finite float64, else a float64.
func (v Value) Interface() any {
	var (
		stack []goScope
		done  any
	)
	for {
		switch v.Kind() {
		case KindObject:
			stack = append(stack, goScope{cursor: v.children(), object: make(map[string]any, v.Len())})
		case KindArray:
			stack = append(stack, goScope{cursor: v.children(), list: make([]any, 0, v.Len())})
		default:
			done = v.primitive()
			if len(stack) == 0 {
				return done
			}
			stack[len(stack)-1].put(done)
		}
		for !stack[len(stack)-1].next() {
			done = stack[len(stack)-1].result()
			if stack = stack[:len(stack)-1]; len(stack) == 0 {
				return done
			}
			stack[len(stack)-1].put(done)
		}
		v = stack[len(stack)-1].val
	}
}

// put stores the child the cursor stands on.
func (s *goScope) put(val any) {
	if s.object != nil {
		s.object[s.t.text(s.key)] = val
	} else {
		s.list = append(s.list, val)
	}
}

func (s *goScope) result() any {
	if s.object != nil {
		return s.object
	}
	return s.list
}

// primitive returns a value that is no container as a Go value.
func (v Value) primitive() any {
	switch v.Kind() {
	case KindBool:
		return v.Bool()
	case KindNumber:
		return numberInterface(v.Number())
	case KindString:
		return v.Str()
	default:
		return nil
	}
}

// numberInterface picks the Go type for a canonical number.
func numberInterface(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	text := n.String()
	if _, rest := leadingDigits(text[min(1, len(text)):]); rest == "" {
		return n // an integer beyond int64
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return n
	}
	return f
}

package toon

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// builder fills a tape from Go values. Calls nest as the value does: begin,
// key and child of each field, end.
type builder struct {
	t       tape
	text    strings.Builder
	open    []uint32 // the containers not yet ended
	counts  []int    // their children so far
	pending token    // the key of the next field
	keyed   bool     // pending is set
	sibs    []sibling
	nest    int // how deep marshal has called itself
	err     error
}

var errTooBig = errors.New("value larger than 256 MiB")

func newBuilder() *builder { return &builder{} }

// value returns the finished value.
func (b *builder) value() (Value, error) {
	if b.err != nil {
		return Value{}, b.err
	}
	b.t.src = b.text.String()
	return Value{t: &b.t, how: viewNode}, nil
}

// put appends text and returns its token.
func (b *builder) put(c class, s string) token {
	if b.text.Len()+len(s) > maxSpan {
		b.err = errTooBig
		return token{}
	}
	tok := makeToken(c, b.text.Len(), len(s))
	b.text.WriteString(s)
	return tok
}

func (b *builder) add(val token) {
	key := makeToken(classNone, 0, 0)
	if b.keyed {
		key, b.keyed = b.pending, false
	}
	if n := len(b.counts); n > 0 {
		b.counts[n-1]++
	}
	b.t.nodes = append(b.t.nodes, node{key: key, val: val, next: uint32(len(b.t.nodes) + 1)})
}

func (b *builder) key(s string)    { b.pending, b.keyed = b.put(classString, s), true }
func (b *builder) null()           { b.add(token{}) }
func (b *builder) str(s string)    { b.add(b.put(classString, s)) }
func (b *builder) number(s string) { b.add(b.put(classNumber, s)) }

func (b *builder) boolean(v bool) {
	if v {
		b.add(makeToken(classTrue, 0, 0))
	} else {
		b.add(makeToken(classFalse, 0, 0))
	}
}

func (b *builder) integer(i int64)   { b.number(strconv.FormatInt(i, 10)) }
func (b *builder) unsigned(i uint64) { b.number(strconv.FormatUint(i, 10)) }

// float adds a number, or null for what JSON has no number for (§3).
func (b *builder) float(f float64, bits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		b.null()
		return
	}
	b.number(strconv.FormatFloat(f, 'g', -1, bits))
}

func (b *builder) begin(c class) {
	b.add(makeToken(c, 0, 0))
	b.open = append(b.open, uint32(len(b.t.nodes)-1))
	b.counts = append(b.counts, 0)
}

// wantsKey reports whether the next string is the key of a field.
func (b *builder) wantsKey() bool {
	n := len(b.open)
	return n > 0 && !b.keyed && b.t.nodes[b.open[n-1]].val.class() == classObject
}

// end closes the innermost container; keys given twice are an error.
func (b *builder) end() error {
	last := len(b.open) - 1
	at := b.open[last]
	n := &b.t.nodes[at]
	n.next = uint32(len(b.t.nodes))
	n.val = makeToken(n.val.class(), 0, b.counts[last])
	b.open, b.counts = b.open[:last], b.counts[:last]
	if n.val.class() != classObject || b.err != nil {
		return b.err
	}
	b.sibs = b.sibs[:0]
	text := b.text.String()
	for i := at + 1; i < n.next; i = b.t.nodes[i].next {
		key := b.t.nodes[i].key
		b.sibs = append(b.sibs, sibling{text[key.off : int(key.off)+key.size()], i})
	}
	if _, later, found := firstDuplicate(b.sibs); found {
		key := b.t.nodes[later].key
		return fmt.Errorf("duplicate key %q", text[key.off:int(key.off)+key.size()])
	}
	return nil
}

// copyOf adds a copy of v.
func (b *builder) copyOf(v Value) {
	var stack []cursor
	for {
		switch tok := v.token(); tok.class() {
		case classFalse, classTrue:
			b.boolean(v.Bool())
		case classNumber:
			b.number(v.t.text(tok))
		case classString, classEscaped:
			b.str(v.t.text(tok))
		case classList, classInline, classTable:
			b.begin(classList)
			stack = append(stack, v.children())
		case classObject, classKeyed:
			b.begin(classObject)
			stack = append(stack, v.children())
		default:
			b.null()
		}
		for len(stack) > 0 && !stack[len(stack)-1].next() {
			_ = b.end() // the keys of a Value differ
			stack = stack[:len(stack)-1]
		}
		if len(stack) == 0 {
			return
		}
		c := &stack[len(stack)-1]
		if c.key.class() != classNone {
			b.key(c.t.text(c.key))
		}
		v = c.val
	}
}

// must returns the value of a builder that was given nothing but valid input.
func (b *builder) must() Value {
	v, err := b.value()
	if err != nil {
		panic("toon: " + err.Error())
	}
	return v
}

// StringValue returns a string.
func StringValue(s string) Value {
	b := newBuilder()
	b.str(s)
	return b.must()
}

// BoolValue returns a boolean.
func BoolValue(v bool) Value {
	b := newBuilder()
	b.boolean(v)
	return b.must()
}

// IntValue returns a number.
func IntValue(i int64) Value {
	b := newBuilder()
	b.integer(i)
	return b.must()
}

// FloatValue returns a number, or null when f is infinite or not a number.
func FloatValue(f float64) Value {
	b := newBuilder()
	b.float(f, 64)
	return b.must()
}

// NumberValue returns the number whose text is s, which follows the grammar of
// JSON; no digit is lost.
func NumberValue(s string) (Value, error) {
	if !isNumber(s) {
		return Value{}, fmt.Errorf("%q is not a number", excerpt(s))
	}
	b := newBuilder()
	b.number(s)
	return b.value()
}

// ArrayValue returns an array of copies of elems.
func ArrayValue(elems ...Value) Value {
	b := newBuilder()
	b.begin(classList)
	for _, elem := range elems {
		b.copyOf(elem)
	}
	_ = b.end()
	return b.must()
}

// ObjectValue returns an object of copies of fields in the order given. Of
// fields with the same key the last one counts.
func ObjectValue(fields ...Field) Value {
	last := make(map[string]int, len(fields))
	for i, f := range fields {
		last[f.Key] = i
	}
	b := newBuilder()
	b.begin(classObject)
	for i, f := range fields {
		if last[f.Key] == i {
			b.key(f.Key)
			b.copyOf(f.Value)
		}
	}
	_ = b.end()
	return b.must()
}

package toon

import (
	"encoding/json"
	"iter"
)

// Kind is one of the six kinds of the JSON data model.
type Kind uint8

// The kinds of a Value. The zero Value is null.
const (
	KindNull Kind = iota
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

// String returns the name JSON Schema uses for k.
func (k Kind) String() string {
	switch k {
	case KindBool:
		return "boolean"
	case KindNumber:
		return "number"
	case KindString:
		return "string"
	case KindArray:
		return "array"
	case KindObject:
		return "object"
	default:
		return "null"
	}
}

// Value is a null, boolean, number, string, array or object. It is a small view
// of the document it came from: copy it freely, share it between goroutines,
// never modify it. Objects keep the order of their keys and numbers their text.
type Value struct {
	t   *tape
	at  uint32 // index of a node or a cell; in a record, of the row's first cell
	tab uint32 // in a record, the index of its table
	col uint32 // in a record, the column of the group; 0 is the whole row
	how view
}

// Field is a key of an object with its value.
type Field struct {
	Key   string
	Value Value
}

// view says what a Value looks at: a node, a cell, or a record, which is a row
// of a table or a nested group of one.
type view uint32

const (
	viewNode view = iota
	viewCell
	viewRecord
)

// token returns what v says; a record says it is an object.
func (v Value) token() token {
	switch {
	case v.t == nil:
		return token{}
	case v.how == viewRecord:
		return makeToken(classObject, 0, int(v.t.tables[v.tab].cols[v.col].kids))
	case v.how == viewCell:
		return v.t.cells[v.at]
	default:
		return v.t.nodes[v.at].val
	}
}

// Kind returns the kind of v.
func (v Value) Kind() Kind {
	switch v.token().class() {
	case classFalse, classTrue:
		return KindBool
	case classNumber:
		return KindNumber
	case classString, classEscaped:
		return KindString
	case classList, classInline, classTable:
		return KindArray
	case classObject, classKeyed:
		return KindObject
	default:
		return KindNull
	}
}

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.Kind() == KindNull }

// Bool returns the boolean v holds, and false for any other kind.
func (v Value) Bool() bool { return v.token().class() == classTrue }

// Number returns the number v holds in canonical form (no exponent between
// 1e-6 and 1e21, no trailing zeros, no negative zero) with every digit that was
// written, and "" for any other kind.
func (v Value) Number() json.Number {
	tok := v.token()
	if tok.class() != classNumber {
		return ""
	}
	return json.Number(canonicalNumber(v.t.text(tok)))
}

// Str returns the string v holds, and "" for any other kind.
func (v Value) Str() string {
	tok := v.token()
	if c := tok.class(); c != classString && c != classEscaped {
		return ""
	}
	return v.t.text(tok)
}

// Len returns the number of elements or fields of v, 0 for a primitive.
func (v Value) Len() int {
	tok := v.token()
	if tok.class() < classObject {
		return 0
	}
	return tok.size()
}

// Elems returns the elements of an array in order, nil for any other kind.
func (v Value) Elems() []Value {
	if v.Kind() != KindArray {
		return nil
	}
	elems := make([]Value, 0, v.Len())
	for elem := range v.Values() {
		elems = append(elems, elem)
	}
	return elems
}

// Fields returns the fields of an object in order, nil for any other kind.
func (v Value) Fields() []Field {
	if v.Kind() != KindObject {
		return nil
	}
	fields := make([]Field, 0, v.Len())
	for key, val := range v.All() {
		fields = append(fields, Field{Key: key, Value: val})
	}
	return fields
}

// Values iterates over the elements of an array without allocating.
func (v Value) Values() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != KindArray {
			return
		}
		for c := v.children(); c.next(); {
			if !yield(c.val) {
				return
			}
		}
	}
}

// All iterates over the fields of an object in order.
func (v Value) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != KindObject {
			return
		}
		for c := v.children(); c.next(); {
			if !yield(v.t.text(c.key), c.val) {
				return
			}
		}
	}
}

// Get returns the field of that key, and false when v is no object or has none.
// It searches linearly.
func (v Value) Get(key string) (Value, bool) {
	for k, val := range v.All() {
		if k == key {
			return val, true
		}
	}
	return Value{}, false
}

// Index returns element i of an array, and false when there is none.
func (v Value) Index(i int) (Value, bool) {
	if i < 0 || i >= v.Len() {
		return Value{}, false
	}
	for elem := range v.Values() {
		if i == 0 {
			return elem, true
		}
		i--
	}
	return Value{}, false
}

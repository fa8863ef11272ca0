package handover

import (
	"net/http"
	"reflect"
)

// inside is what net/http keeps to itself of a connection over HTTP/1: how much
// it has read ahead. Only the connection's own goroutine may ask. A nil inside
// knows nothing.
type inside struct {
	from, to reflect.Value // what has been read ahead, within its buffer
	ahead    reflect.Value // a byte was read while a handler was at work
	left     reflect.Value // how much may still be read; less with every byte, and set anew with every request
}

// insideOf finds it by w, the writer of an answer; nil if net/http is not as it
// was in Go 1.26.
func insideOf(w http.ResponseWriter) *inside {
	response := reflect.ValueOf(innermost(w))
	if response.Type().String() != "*http.response" {
		return nil
	}
	conn := pointed(response.Elem(), "conn")
	buffer, reader := pointed(conn, "bufr"), pointed(conn, "r")
	i := &inside{
		from: field(buffer, "r", reflect.Int), to: field(buffer, "w", reflect.Int),
		ahead: field(reader, "hasByte", reflect.Bool), left: field(reader, "remain", reflect.Int64),
	}
	for _, v := range []reflect.Value{i.from, i.to, i.ahead, i.left} {
		if !v.IsValid() {
			return nil
		}
	}
	return i
}

// pointed returns what a field of a structure points to; invalid if there is no
// such field.
func pointed(in reflect.Value, name string) reflect.Value {
	return field(in, name, reflect.Pointer).Elem()
}

// field returns a field of a structure if it is there and of that kind.
func field(in reflect.Value, name string, kind reflect.Kind) reflect.Value {
	if in.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	if f := in.FieldByName(name); f.Kind() == kind {
		return f
	}
	return reflect.Value{}
}

// innermost returns the writer within all others.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

// idle reports, of a connection whose request has been answered, whether nothing
// beyond that has been read, and what can be read yet.
func (i *inside) idle() (left int64, clean bool) {
	if i == nil {
		return 0, false
	}
	return i.left.Int(), !i.ahead.Bool() && i.from.Int() == i.to.Int()
}

// unread reports whether nothing has been read since idle said left, of a
// connection that has not been active since.
func (i *inside) unread(left int64) bool { return i != nil && i.left.Int() == left }

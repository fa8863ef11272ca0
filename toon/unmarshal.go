package toon

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// TypeError is about a value of a document that does not fit the Go type it is
// meant for. Line and Column count from 1, columns in runes; both are 0 when the
// value did not come from a document.
type TypeError struct {
	Line, Column int
	Pointer      string // JSON pointer of the value
	Msg          string
	Err          error // what a method of the Go type returned, or nil
}

// Error returns `line:col: pointer: msg`.
func (e *TypeError) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:%d: ", e.Line, e.Column)
	}
	if e.Pointer != "" {
		b.WriteString(e.Pointer)
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Unwrap returns the cause.
func (e *TypeError) Unwrap() error { return e.Err }

// Unmarshal reads a document into what v points to. Struct fields take the name
// of their toon tag, else of their json tag, else their own; names match
// exactly, keys without a field are ignored unless DisallowUnknownFields is
// given. A null leaves everything but pointers, maps, slices and interfaces
// alone. json.Unmarshaler and encoding.TextUnmarshaler are honoured, a []byte is
// read from base64, and into an interface goes what Value.Interface returns.
// Errors are *SyntaxError or *TypeError.
func Unmarshal(data []byte, v any, opts ...DecodeOption) error {
	doc, err := Parse(data, opts...)
	if err != nil {
		return err
	}
	return doc.Unmarshal(v, opts...)
}

// Unmarshal fills what v points to from the document, as the function of that
// name does; errors carry positions.
func (doc *Document) Unmarshal(v any, opts ...DecodeOption) error {
	return unmarshal(doc.Root, v, opts, &doc.Positions)
}

// Unmarshal fills what dst points to from v, as the function of that name does.
func (v Value) Unmarshal(dst any, opts ...DecodeOption) error {
	return unmarshal(v, dst, opts, nil)
}

func unmarshal(root Value, dst any, opts []DecodeOption, pos *Positions) error {
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return errors.New("toon: Unmarshal needs a pointer that is not nil")
	}
	u := unmarshaler{known: newDecodeOptions(opts).knownFields}
	err := u.set(target.Elem(), root)
	var typeErr *TypeError
	if pos != nil && errors.As(err, &typeErr) {
		if p, ok := pos.Of(typeErr.Pointer); ok {
			typeErr.Line, typeErr.Column = p.Line, p.Column
		}
	}
	return err
}

// unmarshaler fills Go values. It calls itself as deep as documents nest, which
// their depth limit bounds.
type unmarshaler struct {
	known bool
	path  []string
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

func (u *unmarshaler) fail(cause error, format string, args ...any) error {
	var pointer strings.Builder
	for _, part := range u.path {
		pointer.WriteByte('/')
		_, _ = pointerEscaper.WriteString(&pointer, part)
	}
	return &TypeError{Pointer: pointer.String(), Msg: fmt.Sprintf(format, args...), Err: cause}
}

func (u *unmarshaler) mismatch(v Value, want string) error {
	return u.fail(nil, "%s where %s belongs", v.Kind(), want)
}

// set stores v in dst.
func (u *unmarshaler) set(dst reflect.Value, v Value) error {
	if dst.Kind() == reflect.Pointer {
		if v.IsNull() {
			dst.SetZero()
			return nil
		}
		if dst.IsNil() {
			dst.Set(reflect.New(dst.Type().Elem()))
		}
		return u.set(dst.Elem(), v)
	}
	if done, err := u.setByMethod(dst, v); done {
		return err
	}
	switch dst.Kind() {
	case reflect.Interface:
		return u.setInterface(dst, v)
	case reflect.Struct:
		return u.setStruct(dst, v)
	case reflect.Map:
		return u.setMap(dst, v)
	case reflect.Slice, reflect.Array:
		return u.setList(dst, v)
	default:
		return u.setPrimitive(dst, v)
	}
}

// setByMethod lets types that know how fill themselves.
func (u *unmarshaler) setByMethod(dst reflect.Value, v Value) (done bool, err error) {
	if t := dst.Type(); !dst.CanAddr() || t.PkgPath() == "" && t.Kind() != reflect.Struct {
		return false, nil // only named types, and structs that embed one, have methods
	}
	if dst.Addr().NumMethod() == 0 {
		return false, nil
	}
	switch target := dst.Addr().Interface().(type) {
	case *Value:
		*target = v
		return true, nil
	case *json.Number:
		return false, nil
	case json.Unmarshaler:
		data, err := v.MarshalJSON()
		if err == nil {
			err = target.UnmarshalJSON(data)
		}
		if err != nil {
			return true, u.fail(err, "%v", err)
		}
		return true, nil
	case encoding.TextUnmarshaler:
		switch v.Kind() {
		case KindNull:
			return true, nil
		case KindString:
			if err := target.UnmarshalText([]byte(v.Str())); err != nil {
				return true, u.fail(err, "%v", err)
			}
			return true, nil
		}
		return true, u.mismatch(v, "a string")
	}
	return false, nil
}

func (u *unmarshaler) setInterface(dst reflect.Value, v Value) error {
	if dst.NumMethod() > 0 {
		return u.fail(nil, "cannot read into %s", dst.Type())
	}
	if val := v.Interface(); val != nil {
		dst.Set(reflect.ValueOf(val))
	} else {
		dst.SetZero()
	}
	return nil
}

func (u *unmarshaler) setStruct(dst reflect.Value, v Value) error {
	if v.Kind() != KindObject {
		if v.IsNull() {
			return nil
		}
		return u.mismatch(v, "an object")
	}
	fields := fieldsOf(dst.Type())
	for key, val := range v.All() {
		u.path = append(u.path, key)
		i, ok := fields.byName[key]
		switch {
		case ok:
			if err := u.set(fieldByIndex(dst, fields.list[i].index), val); err != nil {
				return err
			}
		case u.known:
			return u.fail(nil, "unknown field %q", excerpt(key))
		}
		u.path = u.path[:len(u.path)-1]
	}
	return nil
}

// fieldByIndex walks to a field and makes embedded pointers on the way.
func fieldByIndex(v reflect.Value, index []int) reflect.Value {
	for i, x := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v
}

func (u *unmarshaler) setMap(dst reflect.Value, v Value) error {
	switch v.Kind() {
	case KindNull:
		dst.SetZero()
		return nil
	case KindObject:
	default:
		return u.mismatch(v, "an object")
	}
	t := dst.Type()
	if dst.IsNil() {
		dst.Set(reflect.MakeMapWithSize(t, v.Len()))
	}
	for name, val := range v.All() {
		u.path = append(u.path, name)
		key, err := u.mapKey(t.Key(), name)
		if err != nil {
			return err
		}
		elem := reflect.New(t.Elem()).Elem()
		if err := u.set(elem, val); err != nil {
			return err
		}
		dst.SetMapIndex(key, elem)
		u.path = u.path[:len(u.path)-1]
	}
	return nil
}

// mapKey converts the key of a field: strings, and types read from text.
func (u *unmarshaler) mapKey(t reflect.Type, name string) (reflect.Value, error) {
	key := reflect.New(t)
	if text, ok := key.Interface().(encoding.TextUnmarshaler); ok {
		if err := text.UnmarshalText([]byte(name)); err != nil {
			return key, u.fail(err, "%v", err)
		}
		return key.Elem(), nil
	}
	if t.Kind() != reflect.String {
		return key, u.fail(nil, "cannot read keys into %s", t)
	}
	key.Elem().SetString(name)
	return key.Elem(), nil
}

func (u *unmarshaler) setList(dst reflect.Value, v Value) error {
	isSlice := dst.Kind() == reflect.Slice
	switch {
	case v.IsNull():
		if isSlice {
			dst.SetZero()
		}
		return nil
	case isSlice && dst.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == KindString:
		data, err := base64.StdEncoding.DecodeString(v.Str())
		if err != nil {
			return u.fail(err, "not base64")
		}
		dst.SetBytes(data)
		return nil
	case v.Kind() != KindArray:
		return u.mismatch(v, "an array")
	case isSlice:
		dst.Set(reflect.MakeSlice(dst.Type(), v.Len(), v.Len()))
	case v.Len() > dst.Len():
		return u.fail(nil, "%d elements where %d fit", v.Len(), dst.Len())
	default:
		dst.SetZero()
	}
	i := 0
	for elem := range v.Values() {
		u.path = append(u.path, strconv.Itoa(i))
		if err := u.set(dst.Index(i), elem); err != nil {
			return err
		}
		u.path = u.path[:len(u.path)-1]
		i++
	}
	return nil
}

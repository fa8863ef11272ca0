package toon

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Marshal writes v as a document. Structs, maps, slices and pointers become
// what Unmarshal reads them from; keys of a map are sorted; json.Marshaler and
// encoding.TextMarshaler are honoured, in this order; []byte becomes base64;
// NaN, infinities and nil become null. Channels, functions, complex numbers and
// values nested deeper than MaxDepth are errors.
func Marshal(v any, opts ...EncodeOption) ([]byte, error) {
	val, err := FromInterface(v)
	if err != nil {
		return nil, err
	}
	return Encode(val, opts...)
}

// FromInterface converts a Go value by the rules of Marshal.
func FromInterface(v any) (Value, error) {
	if val, ok := v.(Value); ok {
		return val, nil
	}
	b := newBuilder()
	if err := b.marshal(reflect.ValueOf(v)); err != nil {
		return Value{}, fmt.Errorf("converting %T to TOON: %w", v, err)
	}
	return b.value()
}

// marshal adds v. It calls itself as deep as v nests, which maxMaxDepth bounds:
// cyclic values end there.
func (b *builder) marshal(v reflect.Value) error {
	if b.nest++; b.nest > maxMaxDepth {
		return fmt.Errorf("nested deeper than %d levels, pointers included", maxMaxDepth)
	}
	defer func() { b.nest-- }()
	if !v.IsValid() {
		b.null()
		return nil
	}
	if done, err := b.marshalByMethod(v); done {
		return err
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return b.marshal(v.Elem())
	case reflect.Struct:
		return b.marshalStruct(v)
	case reflect.Map:
		return b.marshalMap(v)
	case reflect.Slice, reflect.Array:
		return b.marshalList(v)
	case reflect.String:
		b.str(v.String())
	case reflect.Bool:
		b.boolean(v.Bool())
	default:
		return b.marshalNumber(v)
	}
	return nil
}

func (b *builder) marshalNumber(v reflect.Value) error {
	switch {
	case v.CanInt():
		b.integer(v.Int())
	case v.CanUint():
		b.unsigned(v.Uint())
	case v.CanFloat():
		b.float(v.Float(), v.Type().Bits())
	default:
		return fmt.Errorf("a %s has no TOON form", v.Type())
	}
	return nil
}

// marshalByMethod lets types that know how write themselves.
func (b *builder) marshalByMethod(v reflect.Value) (done bool, err error) {
	if t := v.Type(); t.PkgPath() == "" && t.Kind() != reflect.Struct && t.Kind() != reflect.Pointer {
		return false, nil // only named types, pointers to them and structs that embed one have methods
	}
	if v.Type().NumMethod() == 0 && (!v.CanAddr() || v.Addr().NumMethod() == 0) {
		return false, nil
	}
	if v.Kind() == reflect.Pointer && v.IsNil() || v.Kind() == reflect.Interface {
		return false, nil
	}
	target := v.Interface()
	if v.CanAddr() && v.Kind() != reflect.Pointer {
		target = v.Addr().Interface()
	}
	switch m := target.(type) {
	case Value:
		b.copyOf(m)
	case *Value:
		b.copyOf(*m)
	case json.Number:
		return true, b.marshalJSONNumber(m)
	case *json.Number:
		return true, b.marshalJSONNumber(*m)
	case json.Marshaler:
		data, err := m.MarshalJSON()
		if err != nil {
			return true, err
		}
		val, err := FromJSON(data)
		b.copyOf(val)
		return true, err
	case encoding.TextMarshaler:
		text, err := m.MarshalText()
		b.str(string(text))
		return true, err
	default:
		return false, nil
	}
	return true, nil
}

func (b *builder) marshalJSONNumber(n json.Number) error {
	text := n.String()
	if text == "" {
		text = "0" // as encoding/json has it
	}
	if !isNumber(text) {
		return fmt.Errorf("%q is not a number", excerpt(text))
	}
	b.number(text)
	return nil
}

func (b *builder) marshalStruct(v reflect.Value) error {
	b.begin(classObject)
	for _, f := range fieldsOf(v.Type()).list {
		field, err := v.FieldByIndexErr(f.index)
		if err != nil || f.omitEmpty && isEmpty(field) || f.omitZero && isZero(field) {
			continue // an error means an embedded pointer that is nil
		}
		b.key(f.name)
		if err := b.marshal(field); err != nil {
			return fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return b.end()
}

func (b *builder) marshalMap(v reflect.Value) error {
	if v.IsNil() {
		b.null()
		return nil
	}
	type entry struct {
		key string
		val reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for iter := v.MapRange(); iter.Next(); {
		key, err := mapKeyText(iter.Key())
		if err != nil {
			return err
		}
		entries = append(entries, entry{key, iter.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	b.begin(classObject)
	for _, e := range entries {
		b.key(e.key)
		if err := b.marshal(e.val); err != nil {
			return fmt.Errorf("key %q: %w", excerpt(e.key), err)
		}
	}
	return b.end()
}

func mapKeyText(key reflect.Value) (string, error) {
	if m, ok := key.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return string(text), err
	}
	switch {
	case key.Kind() == reflect.String:
		return key.String(), nil
	case key.CanInt(), key.CanUint():
		return fmt.Sprint(key.Interface()), nil
	}
	return "", fmt.Errorf("a %s is no key", key.Type())
}

func (b *builder) marshalList(v reflect.Value) error {
	if v.Kind() == reflect.Slice {
		if v.IsNil() {
			b.null()
			return nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b.str(base64.StdEncoding.EncodeToString(v.Bytes()))
			return nil
		}
	}
	if v.Len() > math.MaxInt32 {
		return errTooBig
	}
	b.begin(classList)
	for i := range v.Len() {
		if err := b.marshal(v.Index(i)); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return b.end()
}

package toon

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// setPrimitive stores a boolean, string or number.
func (u *unmarshaler) setPrimitive(dst reflect.Value, v Value) error {
	if v.IsNull() {
		return nil
	}
	switch kind := dst.Kind(); {
	case kind == reflect.Bool:
		if v.Kind() != KindBool {
			return u.mismatch(v, "a boolean")
		}
		dst.SetBool(v.Bool())
	case dst.Type() == reflect.TypeFor[json.Number]():
		if v.Kind() != KindNumber {
			return u.mismatch(v, "a number")
		}
		dst.SetString(v.Number().String())
	case kind == reflect.String:
		if v.Kind() != KindString {
			return u.mismatch(v, "a string")
		}
		dst.SetString(v.Str())
	case dst.CanInt() || dst.CanUint() || dst.CanFloat():
		return u.setNumber(dst, v)
	default:
		return u.fail(nil, "cannot read into %s", dst.Type())
	}
	return nil
}

// setNumber stores a number that fits without loss, floats excepted.
func (u *unmarshaler) setNumber(dst reflect.Value, v Value) error {
	if v.Kind() != KindNumber {
		return u.mismatch(v, "a number")
	}
	text, bits := v.Number().String(), dst.Type().Bits()
	var err error
	switch {
	case dst.CanFloat():
		var f float64
		if f, err = strconv.ParseFloat(text, bits); err == nil {
			dst.SetFloat(f)
		}
	case dst.CanInt():
		var i int64
		if i, err = strconv.ParseInt(text, 10, bits); err == nil {
			dst.SetInt(i)
		}
	default:
		var n uint64
		if n, err = strconv.ParseUint(text, 10, bits); err == nil {
			dst.SetUint(n)
		}
	}
	if err != nil {
		return u.fail(nil, "number %s does not fit %s", excerpt(text), dst.Type())
	}
	return nil
}

package toon

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// structField is a field of a struct as documents see it.
type structField struct {
	name      string
	index     []int
	omitEmpty bool
	omitZero  bool
}

// structFields are the fields of a struct type, in order and by name.
type structFields struct {
	list   []structField
	byName map[string]int
}

var structCache sync.Map // reflect.Type → *structFields

// fieldsOf returns the fields of struct type t. The fields of an embedded
// struct without a name of its own count as fields of t unless t, or a struct
// embedded less deep, has one of that name.
func fieldsOf(t reflect.Type) *structFields {
	if cached, ok := structCache.Load(t); ok {
		return cached.(*structFields)
	}
	sf := &structFields{byName: make(map[string]int)}
	type level struct {
		t     reflect.Type
		index []int
	}
	seen := map[reflect.Type]bool{t: true}
	for levels := []level{{t: t}}; len(levels) > 0; {
		var deeper []level
		for _, l := range levels {
			for i := range l.t.NumField() {
				f := l.t.Field(i)
				index := append(append([]int(nil), l.index...), i)
				if embedded := embeddedStruct(f); embedded != nil {
					if !seen[embedded] {
						seen[embedded] = true
						deeper = append(deeper, level{embedded, index})
					}
				} else {
					sf.add(f, index)
				}
			}
		}
		levels = deeper
	}
	sf.sort()
	cached, _ := structCache.LoadOrStore(t, sf)
	return cached.(*structFields)
}

// sort puts embedded fields where their struct is embedded.
func (sf *structFields) sort() {
	slices.SortFunc(sf.list, func(a, b structField) int { return slices.Compare(a.index, b.index) })
	for i, f := range sf.list {
		sf.byName[f.name] = i
	}
}

// embeddedStruct returns the struct type whose fields f promotes, or nil.
func embeddedStruct(f reflect.StructField) reflect.Type {
	if name, _, _ := fieldTag(f); !f.Anonymous || name != "" {
		return nil
	}
	t := f.Type
	if t.Kind() == reflect.Pointer && f.IsExported() {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

func (sf *structFields) add(f reflect.StructField, index []int) {
	name, options, skip := fieldTag(f)
	if skip || !f.IsExported() {
		return
	}
	if name == "" {
		name = f.Name
	}
	if _, taken := sf.byName[name]; taken {
		return
	}
	field := structField{name: name, index: index}
	for option := range strings.SplitSeq(options, ",") {
		field.omitEmpty = field.omitEmpty || option == "omitempty"
		field.omitZero = field.omitZero || option == "omitzero"
	}
	sf.byName[name] = -1 // sort knows
	sf.list = append(sf.list, field)
}

// fieldTag reads the toon tag of f or, when it has none, its json tag.
func fieldTag(f reflect.StructField) (name, options string, skip bool) {
	tag, ok := f.Tag.Lookup("toon")
	if !ok {
		tag = f.Tag.Get("json")
	}
	if tag == "-" {
		return "", "", true
	}
	name, options, _ = strings.Cut(tag, ",")
	return name, options, false
}

// isEmpty reports whether omitempty leaves v out, by the rule of encoding/json.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

// isZero reports whether omitzero leaves v out: its IsZero method decides when
// it has one.
func isZero(v reflect.Value) bool {
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
		return z.IsZero()
	}
	return v.IsZero()
}

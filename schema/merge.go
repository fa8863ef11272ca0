package schema

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/v2"
)

// The names of the layers in Result.Layers. A value from the environment has the
// layer "env " and the name of the variable.
const (
	LayerDefault   = "default"
	LayerFile      = "file"
	LayerOverrides = "overrides"
	layerEnv       = "env "
)

// origin says where a value of the merged tree came from.
type origin struct {
	layer    string
	doc      *document // the text it stands in, nil where there is none
	pointer  string    // where it stands in doc
	variable string    // the environment variable, "" for other layers
}

// place tells where the value was written; Line 0 where there is no text.
func (o origin) place() place {
	if o.doc == nil {
		return place{}
	}
	return o.doc.place(o.pointer)
}

// merger lays one layer over the other and remembers where each value is from.
type merger struct {
	koanf   *koanf.Koanf
	merged  map[string]any    // what koanf holds
	origins map[string]origin // by JSON pointer in the merged tree
}

func newMerger() *merger {
	// No key contains the delimiter, so that names with dots stay whole.
	return &merger{koanf: koanf.New("\x00"), origins: map[string]origin{}}
}

// tree returns a copy of the merged document. koanf's own goes by reflection,
// which takes a start ten times as long.
func (m *merger) tree() map[string]any { return copied(m.merged).(map[string]any) }

// copied copies the objects and lists of a document.
func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, e := range v {
			out[key] = copied(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copied(e)
		}
		return out
	}
	return v
}

// load lays a layer over those loaded before; find tells the origin of the value
// at a pointer in that layer.
func (m *merger) load(p koanf.Provider, find func(pointer string) origin) error {
	return m.koanf.Load(p, nil, koanf.WithMergeFunc(func(src, dest map[string]any) error {
		o := overlay{m: m, find: find}
		o.object(src, dest, "", "")
		m.merged = dest
		return nil
	}))
}

// loadDocument lays a parsed document over the layers before. One without members,
// as overrides usually are, changes nothing.
func (m *merger) loadDocument(d *document, layer string) error {
	if len(d.root.fields) == 0 {
		return nil
	}
	return m.load(d, func(pointer string) origin {
		return origin{layer: layer, doc: d, pointer: pointer}
	})
}

// overlay is the merging of one layer. at is a pointer in the merged tree, from
// the pointer of the same value in the layer: rows may stand elsewhere there.
type overlay struct {
	m    *merger
	find func(pointer string) origin
}

func (o overlay) object(src, dest map[string]any, at, from string) {
	for _, key := range slices.Sorted(maps.Keys(src)) {
		step := "/" + escapePointer(key)
		dest[key] = o.value(src[key], dest[key], at+step, from+step)
	}
}

// value merges one value and returns what then stands in the merged tree.
func (o overlay) value(src, dest any, at, from string) any {
	switch s := src.(type) {
	case map[string]any:
		switch d := dest.(type) {
		case map[string]any:
			o.object(s, d, at, from)
			return d
		case []any:
			if strings.HasPrefix(o.find(from).layer, layerEnv) {
				return o.patch(s, d, at, from)
			}
		}
	case []any:
		if d, ok := dest.([]any); ok {
			if id := rowIdentity(at); id != nil {
				return o.rows(s, d, id, at, from)
			}
		}
	}
	o.replace(src, at, from)
	return src
}

// replace records the origins of a value that takes the place of another.
func (o overlay) replace(v any, at, from string) {
	for p := range o.m.origins {
		if strings.HasPrefix(p, at+"/") {
			delete(o.m.origins, p)
		}
	}
	o.record(v, at, from)
}

func (o overlay) record(v any, at, from string) {
	o.m.origins[at] = o.find(from)
	switch v := v.(type) {
	case map[string]any:
		for key, e := range v {
			step := "/" + escapePointer(key)
			o.record(e, at+step, from+step)
		}
	case []any:
		for i, e := range v {
			step := "/" + strconv.Itoa(i)
			o.record(e, at+step, from+step)
		}
	}
}

// rows merges rows with the same identity and appends the others.
func (o overlay) rows(src, dest []any, id identity, at, from string) []any {
	index := make(map[string]int, len(dest))
	for i, row := range dest {
		if name, ok := id(row); ok {
			index[name] = i
		}
	}
	for i, row := range src {
		name, ok := id(row)
		j, known := index[name]
		step := from + "/" + strconv.Itoa(i)
		if ok && known {
			o.value(row, dest[j], at+"/"+strconv.Itoa(j), step)
			continue
		}
		if ok {
			index[name] = len(dest)
		}
		o.record(row, at+"/"+strconv.Itoa(len(dest)), step)
		dest = append(dest, row)
	}
	return dest
}

// patch changes rows by their index, as environment variables address them. An
// index one past the end begins a new row.
func (o overlay) patch(src map[string]any, dest []any, at, from string) []any {
	keys := slices.SortedFunc(maps.Keys(src), func(a, b string) int {
		i, _ := strconv.Atoi(a)
		j, _ := strconv.Atoi(b)
		return cmp.Compare(i, j)
	})
	for _, key := range keys {
		i, err := strconv.Atoi(key)
		step := "/" + key
		switch {
		case err == nil && i < len(dest):
			dest[i] = o.value(src[key], dest[i], at+step, from+step)
		case err == nil && i == len(dest):
			o.record(src[key], at+step, from+step)
			dest = append(dest, src[key])
		}
	}
	return dest
}

// identity returns what makes a row the same row in every layer, false when the
// row is not of the right shape.
type identity func(row any) (string, bool)

// rowIdentity returns how the rows of the list at a pointer are told apart; nil
// for lists that are replaced as a whole.
func rowIdentity(pointer string) identity {
	if members := rowMembers(pointer); members != nil {
		return identifiedBy(members...)
	}
	return nil
}

// rowMembers lists the members that name a row of the list at a pointer; nil
// for lists that are replaced as a whole.
func rowMembers(pointer string) []string {
	steps := splitPointer(pointer)
	switch {
	case pointer == "/keys":
		return []string{"provider", "name"}
	case pointer == "/models":
		return []string{"alias", "provider", "model"}
	case pointer == "/clients", pointer == "/teams", pointer == "/alerts/rules":
		return []string{"name"}
	case len(steps) == 3 && steps[0] == "providers" && steps[2] == "models":
		return []string{"id"}
	}
	return nil
}

// defaultKeyName is the name of a key row that gives none.
const defaultKeyName = "main"

// identifiedBy joins the named members with slashes.
func identifiedBy(members ...string) identity {
	return func(row any) (string, bool) {
		m, ok := row.(map[string]any)
		if !ok {
			return "", false
		}
		parts := make([]string, len(members))
		for i, name := range members {
			v, there := m[name]
			if !there && name == "name" {
				v = defaultKeyName
			}
			if parts[i], ok = v.(string); !ok {
				return "", false
			}
		}
		return strings.Join(parts, "/"), true
	}
}

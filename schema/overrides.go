package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Overrides is the document of what aimux was told to change by its console and
// its commands: overrides.toon. It lies over the user's own file, which is
// never rewritten.
type Overrides struct {
	path string
	text []byte // as read
	tree map[string]any
}

// ReadOverrides reads the file at path. One that does not exist is empty, one
// that others may have written is refused. Its error is *Problems where the
// document is at fault.
func ReadOverrides(path string) (*Overrides, error) {
	data, err := readOverridesFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Overrides{path: path, tree: map[string]any{}}, nil
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	doc, ps := parse(data, TOON, path)
	if err := ps.asError(); err != nil {
		return nil, err
	}
	return &Overrides{path: path, text: data, tree: doc.root.plainObject()}, nil
}

// Tag names the contents as they were read, for If-Match.
func (o *Overrides) Tag() string {
	sum := sha256.Sum256(o.text)
	return hex.EncodeToString(sum[:8])
}

// Set changes one value. pointer is one of the effective configuration r; a row
// of a list is found again by what names it, not by its place.
func (o *Overrides) Set(r *Result, pointer string, value any) error {
	at, err := o.resolve(r, pointer)
	if err != nil {
		return err
	}
	if value = plainValue(value); at.row == nil {
		return setIn(o.tree, at.steps, value)
	}
	row := o.row(at, true)
	if len(at.rest) > 0 {
		return setIn(row, at.rest, value)
	}
	members, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: a row is an object", pointer)
	}
	for name, v := range members {
		row[name] = v
	}
	return nil
}

// Unset takes one change back, so that what lies below shows again. It reports
// whether there was any.
func (o *Overrides) Unset(r *Result, pointer string) (bool, error) {
	at, err := o.resolve(r, pointer)
	if err != nil {
		return false, err
	}
	if at.row == nil {
		return unsetIn(o.tree, at.steps), nil
	}
	row := o.row(at, false)
	if row == nil {
		return false, nil
	}
	if len(at.rest) > 0 {
		return unsetIn(row, at.rest), nil
	}
	list := o.list(at.steps)
	o.setList(at.steps, slices.DeleteFunc(list, func(e any) bool {
		m, _ := e.(map[string]any)
		return sameRow(m, at.row)
	}))
	return true, nil
}

// Text returns the document, to be checked with Options.OverridesData or saved.
func (o *Overrides) Text() ([]byte, error) {
	o.tree["version"] = int64(Version)
	return emit(rootSpec().node(o.tree), TOON)
}

// Save writes the document. What the file held before stays beside it with a ~
// after its name.
func (o *Overrides) Save() error {
	text, err := o.Text()
	if err != nil {
		return err
	}
	if err := WriteAtomic(o.path, text); err != nil {
		return err
	}
	o.text = text
	return nil
}

// spot is where a pointer leads: members of objects, and at most one row.
type spot struct {
	steps []string       // to the member, or to the list
	row   map[string]any // what names the row; nil if there is none
	rest  []string       // within the row
}

// resolve finds the row a pointer goes through, if any, by its place in r.
func (o *Overrides) resolve(r *Result, pointer string) (spot, error) {
	steps := splitPointer(pointer)
	if len(steps) == 0 || !strings.HasPrefix(pointer, "/") {
		return spot{}, fmt.Errorf("%q is not the pointer of a value, such as /routing/strategy", pointer)
	}
	for i := 1; i < len(steps); i++ {
		list := "/" + strings.Join(escaped(steps[:i]), "/")
		members := rowMembers(list)
		if members == nil {
			continue
		}
		s := spot{steps: steps[:i], rest: steps[i+1:], row: map[string]any{}}
		n, err := strconv.Atoi(steps[i])
		rows, _ := valueAt(r.tree, steps[:i]).([]any)
		if err != nil || n < 0 || n >= len(rows) {
			return spot{}, fmt.Errorf("%s: there is no row %s", pointer, steps[i])
		}
		row, _ := rows[n].(map[string]any)
		for _, m := range members {
			s.row[m] = row[m]
		}
		return s, nil
	}
	return spot{steps: steps}, nil
}

// AddRow adds a row to a list, such as "/keys", or changes the members of the
// row of the same name.
func (o *Overrides) AddRow(list string, row map[string]any) error {
	members := rowMembers(list)
	if members == nil {
		return fmt.Errorf("%s is not a list of named rows", list)
	}
	row, _ = plainValue(row).(map[string]any)
	named := map[string]any{}
	for _, m := range members {
		v, ok := row[m]
		if !ok && m == "name" {
			v, ok = defaultKeyName, true
		}
		if !ok {
			return fmt.Errorf("%s: a row needs %q", list, m)
		}
		named[m] = v
	}
	into := o.row(spot{steps: splitPointer(list), row: named}, true)
	for name, v := range row {
		into[name] = v
	}
	return nil
}

// DropRow takes the row of that name out of the list, as far as the overrides
// have it, and reports whether they had.
func (o *Overrides) DropRow(list string, named map[string]any) bool {
	steps := splitPointer(list)
	before := o.list(steps)
	after := slices.DeleteFunc(slices.Clone(before), func(e any) bool {
		m, _ := e.(map[string]any)
		return sameRow(m, named)
	})
	if len(after) == len(before) {
		return false
	}
	o.setList(steps, after)
	return true
}

// row returns the overrides' own row at a spot; with create, one that only
// names itself if there is none.
func (o *Overrides) row(at spot, create bool) map[string]any {
	list := o.list(at.steps)
	for _, e := range list {
		if m, ok := e.(map[string]any); ok && sameRow(m, at.row) {
			return m
		}
	}
	if !create {
		return nil
	}
	made := map[string]any{}
	for name, v := range at.row {
		made[name] = v
	}
	o.setList(at.steps, append(list, made))
	return made
}

func (o *Overrides) list(steps []string) []any {
	list, _ := valueAt(o.tree, steps).([]any)
	return list
}

func (o *Overrides) setList(steps []string, list []any) {
	if len(list) == 0 {
		unsetIn(o.tree, steps)
		return
	}
	_ = setIn(o.tree, steps, list)
}

// sameRow says whether a row has the members that name another. A key's name is
// main if it gives none.
func sameRow(row, named map[string]any) bool {
	for name, v := range named {
		have := row[name]
		if have == nil && name == "name" {
			have = defaultKeyName
		}
		if v == nil && name == "name" {
			v = defaultKeyName
		}
		if have != v {
			return false
		}
	}
	return row != nil
}

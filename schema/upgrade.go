package schema

import (
	"fmt"
	"slices"
	"strconv"
)

// step lifts a document from one version to the next. It changes the nodes in
// place, keeping the positions of what stays, and returns what the user should
// know.
type step func(d *document) Problems

// steps[n] lifts version n to n+1. Each file is lifted by itself, before files
// are merged, because two layers may be of different versions.
func steps() []step { return []step{fromUnversioned} }

// fromUnversioned lifts a document that states no version (or 0): documents were
// written so before there was a second version, so it is version 1.
func fromUnversioned(d *document) Problems {
	p := Problem{File: d.file, Line: 1, Column: 1, Pointer: "/version",
		Msg: "the document states no version and is read as version 1", Hint: "begin it with version: 1"}
	if d.root.get("version") != nil {
		at := d.place("/version").value
		p.Line, p.Column = at.Line, at.Column
		p.Msg = "version 0 is read as version 1"
	}
	if len(d.root.fields) == 0 {
		return nil
	}
	return Problems{p}
}

// upgrade lifts a document to the present version. A document of a newer version
// is refused, since what it means is not known here.
func upgrade(d *document, chain []step) (warnings, problems Problems) {
	version := 0
	v := d.root.get("version")
	if v != nil {
		n, err := strconv.Atoi(v.text)
		if v.kind != kindNumber || err != nil || n < 0 {
			return nil, nil // the schema says what is wrong with it
		}
		version = n
	}
	if version > len(chain) {
		at := d.place("/version").value
		return nil, Problems{{File: d.file, Line: at.Line, Column: at.Column, Pointer: "/version",
			Msg:  fmt.Sprintf("the document is of version %d; this aimux reads up to version %d", version, len(chain)),
			Hint: fmt.Sprintf("use an aimux that reads version %d", version)}}
	}
	for _, lift := range chain[version:] {
		warnings = append(warnings, lift(d)...)
	}
	d.setVersion(len(chain))
	return warnings, nil
}

// setVersion writes the version into the document, in place or in front.
func (d *document) setVersion(version int) {
	n := d.root.get("version")
	if n == nil {
		n = &node{}
		d.root.fields = append([]field{{key: "version", value: n}}, d.root.fields...)
	}
	n.kind, n.text = kindNumber, strconv.Itoa(version)
}

// dropVersion takes the version out of the document.
func (d *document) dropVersion() {
	d.root.fields = slices.DeleteFunc(d.root.fields, func(f field) bool { return f.key == "version" })
}

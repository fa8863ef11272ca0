package schema

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/knadh/koanf/v2"
)

// The formats a configuration is written in.
const (
	TOON = "toon"
	JSON = "json"
	YAML = "yaml"
)

// Formats lists the formats in the order messages name them.
func Formats() []string { return []string{TOON, JSON, YAML} }

// FormatOf returns the format a file's name promises: by its extension, .toon,
// .json, .yaml or .yml.
func FormatOf(path string) (string, error) {
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	switch ext {
	case TOON, JSON, YAML:
		return ext, nil
	case "yml":
		return YAML, nil
	}
	return "", fmt.Errorf("%s: the name of a configuration ends in .toon, .json or .yaml", filepath.Base(path))
}

// maxLine is the longest line read, in bytes.
const maxLine = 64 << 10

// document is one parsed source: a file, the overrides or an embedded document.
// It is a koanf.Provider.
type document struct {
	file     string // as messages name it
	root     *node
	size     int // bytes of text
	warnings []Problem
	find     func(pointer string) place // where something was written
}

// parse reads a document in a format. The problems carry the file's name.
func parse(data []byte, format, file string) (*document, Problems) {
	return parseUpTo(MaxBytes, data, format, file)
}

func parseUpTo(limit int, data []byte, format, file string) (*document, Problems) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	doc := &document{file: file}
	ps := checkText(limit, data, format)
	if len(ps) == 0 {
		doc, ps = parseAs(data, format, file)
	}
	if len(ps) == 0 {
		ps = doc.checkShape()
	}
	for i := range ps {
		ps[i].File = file
	}
	if doc != nil {
		for i := range doc.warnings {
			doc.warnings[i].File = file
		}
	}
	return doc, ps
}

func parseAs(data []byte, format, file string) (*document, Problems) {
	parsers := map[string]func([]byte) (*node, Problems){JSON: parseJSON, YAML: parseYAML}
	if format == TOON {
		return parseTOON(data, file)
	}
	parse, ok := parsers[format]
	if !ok {
		return nil, Problems{{Msg: "no format " + quote(format), Hint: "one of " + strings.Join(Formats(), ", ")}}
	}
	root, ps := parse(data)
	if root == nil {
		return nil, ps
	}
	places := sync.OnceValue(root.places)
	d := &document{file: file, root: root, size: len(data)}
	d.find = func(pointer string) place { return places()[pointer] }
	return d, ps
}

// checkShape reports a document that is no object, and ambiguous keys.
func (d *document) checkShape() Problems {
	pos := d.place("").value
	if d.root.kind != kindObject {
		return Problems{{Line: pos.Line, Column: pos.Column,
			Msg: "the document is " + kindNames[d.root.kind] + "; a configuration is an object"}}
	}
	return d.root.checkKeys("", d.keyPlace)
}

// place tells where the value at a pointer was written, and its key.
func (d *document) place(pointer string) place {
	if d.find == nil {
		return place{}
	}
	p := d.find(pointer)
	p.value.File, p.key.File = d.file, d.file
	return p
}

func (d *document) keyPlace(pointer string) Position { return d.place(pointer).key }

// checkText refuses what no format allows, before a parser sees it. JSON may be
// written on one line, as programs do.
func checkText(limit int, data []byte, format string) Problems {
	if len(data) > limit {
		return Problems{{Msg: errTooLarge(int64(len(data))).Error()}}
	}
	c := cursor{data: data, line: 1, column: 1}
	for line := range bytes.Lines(data) {
		if len(line) > maxLine && format != JSON {
			return Problems{{Line: c.line, Column: c.column, Msg: fmt.Sprintf("a line of %d bytes", len(line)), Hint: "a line has at most 64 KiB"}}
		}
		if bad := firstInvalid(line); bad >= 0 {
			c.advance(c.offset + bad)
			return Problems{{Line: c.line, Column: c.column, Msg: "the text is not valid UTF-8", Hint: "save the file as UTF-8"}}
		}
		c.line, c.offset = c.line+1, c.offset+len(line)
	}
	return nil
}

// firstInvalid returns the offset of the first byte that is not UTF-8, or is
// NUL; -1 if there is none.
func firstInvalid(line []byte) int {
	nul := bytes.IndexByte(line, 0)
	if utf8.Valid(line) {
		return nul
	}
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && size == 1 || r == 0 {
			return i
		}
		i += size
	}
	return nul
}

// Read returns the document as koanf merges it.
func (d *document) Read() (map[string]any, error) { return d.root.plainObject(), nil }

// ReadBytes is not how documents are read: they are parsed already.
func (d *document) ReadBytes() ([]byte, error) {
	return nil, fmt.Errorf("%s: already parsed", d.file)
}

// Parser returns a koanf parser for one of Formats. It accepts what Load
// accepts; its errors are *Problems.
func Parser(format string) koanf.Parser { return parser(format) }

type parser string

func (p parser) Unmarshal(data []byte) (map[string]any, error) {
	doc, ps := parse(data, string(p), "")
	if err := ps.asError(); err != nil {
		return nil, err
	}
	return doc.Read()
}

func (p parser) Marshal(tree map[string]any) ([]byte, error) {
	if !slices.Contains(Formats(), string(p)) {
		return nil, fmt.Errorf("no format %q", string(p))
	}
	return emit(nodeOf(tree), string(p))
}

var _ koanf.Provider = (*document)(nil)

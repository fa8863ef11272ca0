package schema

import (
	"errors"

	"github.com/aimux/aimux/toon"
)

// parseTOON reads a TOON document, strictly but for declared counts: people add
// rows by hand, so a wrong count is a warning that names the fix. Positions stay
// with the package toon, which finds them when asked.
func parseTOON(data []byte, file string) (*document, Problems) {
	doc, err := toon.Parse(data, toon.RepairCounts(), toon.MaxBytes(MaxBytes), toon.MaxLine(maxLine),
		toon.MaxDepth(maxDepth), toon.MaxNodes(maxNodes))
	if err != nil {
		return nil, Problems{toonProblem(err)}
	}
	d := &document{file: file, root: fromTOON(doc.Root), size: len(data)}
	d.find = func(pointer string) place { return toonPlace(doc.Positions, pointer) }
	for _, w := range doc.Warnings {
		d.warnings = append(d.warnings, Problem{Line: w.Line, Column: w.Column, Msg: scrub(w.Msg), Hint: scrub(w.Hint)})
	}
	return d, nil
}

func toonProblem(err error) Problem {
	var syntax *toon.SyntaxError
	if !errors.As(err, &syntax) {
		return Problem{Msg: "not valid TOON: " + scrub(err.Error())}
	}
	p := Problem{Line: syntax.Line, Column: syntax.Column, Msg: "not valid TOON: " + scrub(syntax.Msg), Hint: scrub(syntax.Hint)}
	if syntax.Excerpt != "" && !looksSecret(syntax.Excerpt) {
		p.Msg += " near " + quote(scrub(syntax.Excerpt))
	}
	return p
}

func toonPlace(positions toon.Positions, pointer string) place {
	value, _ := positions.Of(pointer)
	key, ok := positions.KeyOf(pointer)
	if !ok {
		key = value
	}
	return place{value: Position{Line: value.Line, Column: value.Column}, key: Position{Line: key.Line, Column: key.Column}}
}

// fromTOON makes a node of a value; the depth is bounded by the decoder.
func fromTOON(v toon.Value) *node {
	n := &node{}
	switch v.Kind() {
	case toon.KindBool:
		n.kind, n.truth = kindBool, v.Bool()
	case toon.KindNumber:
		n.kind, n.text = kindNumber, v.Number().String()
	case toon.KindString:
		n.kind, n.text = kindString, v.Str()
	case toon.KindArray:
		n.kind = kindArray
		for e := range v.Values() {
			n.elems = append(n.elems, fromTOON(e))
		}
	case toon.KindObject:
		n.kind = kindObject
		for key, e := range v.All() {
			n.fields = append(n.fields, field{key: key, value: fromTOON(e)})
		}
	}
	return n
}

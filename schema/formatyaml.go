package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads one YAML document of the plain kind: no anchors, aliases,
// merge keys or tags, so that it says exactly what the same JSON would.
func parseYAML(data []byte) (*node, Problems) {
	if ps := checkYAMLNesting(data); len(ps) > 0 {
		return nil, ps
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return &node{kind: kindObject, pos: Position{Line: 1, Column: 1}}, nil
	} else if err != nil {
		return nil, Problems{yamlProblem(err)}
	}
	c := &yamlConverter{}
	root := c.convert(doc.Content[0], "", 0)
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		c.report(&second, "", "a second document begins here", "a configuration is one document; remove the line ---")
	} else if !errors.Is(err, io.EOF) {
		c.problems = append(c.problems, yamlProblem(err))
	}
	return root, c.problems
}

// checkYAMLNesting refuses documents longer or nested deeper than any
// configuration before the library, whose time grows with the square of the
// depth, sees them. It also counts brackets within strings, of which no
// configuration has that many unclosed.
func checkYAMLNesting(data []byte) Problems {
	if bytes.Count(data, []byte("\n"))+bytes.Count(data, []byte(",")) > maxNodes {
		return Problems{{Line: 1, Column: 1, Msg: errTooMany.Error()}}
	}
	c := cursor{data: data, line: 1, column: 1}
	brackets := 0
	for line := range bytes.Lines(data) {
		start := c.offset
		if leadingEntries(line) > maxDepth {
			return Problems{{Line: c.line, Column: c.column, Msg: errTooDeep.Error()}}
		}
		for i, b := range line {
			switch b {
			case '[', '{':
				brackets++
			case ']', '}':
				brackets = max(0, brackets-1)
			}
			if brackets > maxDepth {
				c.advance(start + i)
				return Problems{{Line: c.line, Column: c.column, Msg: errTooDeep.Error()}}
			}
		}
		c.advance(start + len(line))
	}
	return nil
}

// leadingEntries counts the list and key markers a line begins with: "- - - x"
// is a list in a list in a list.
func leadingEntries(line []byte) int {
	n := 0
	for {
		line = bytes.TrimLeft(line, " ")
		if len(line) < 2 || line[0] != '-' && line[0] != '?' || line[1] != ' ' {
			return n
		}
		n++
		line = line[2:]
	}
}

// yamlProblem takes the line out of the library's message.
func yamlProblem(err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	p := Problem{Line: 1, Column: 1}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		number, msg, _ := strings.Cut(rest, ": ")
		if line, err := strconv.Atoi(number); err == nil {
			p.Line, text = line, msg
		}
	}
	p.Msg = "not valid YAML: " + scrub(text)
	return p
}

// yamlConverter turns the library's tree into nodes and collects what a
// configuration may not use.
type yamlConverter struct {
	problems Problems
	nodes    int
}

func (c *yamlConverter) report(n *yaml.Node, at, msg, hint string) {
	if len(c.problems) == maxFindings {
		return
	}
	c.problems = append(c.problems, Problem{
		Line: n.Line, Column: n.Column, Pointer: at, Msg: msg, Hint: hint,
	})
}

func (c *yamlConverter) convert(n *yaml.Node, at string, depth int) *node {
	out := &node{pos: Position{Line: n.Line, Column: n.Column}}
	c.nodes++
	switch {
	case c.nodes > maxNodes:
		if c.nodes == maxNodes+1 {
			c.report(n, at, errTooMany.Error(), "")
		}
		return out
	case depth > maxDepth:
		c.report(n, at, errTooDeep.Error(), "")
		return out
	case n.Kind == yaml.AliasNode:
		c.report(n, at, "an alias (*"+scrub(n.Value)+") stands here", "write the value out; aliases are not read in a configuration")
		return out
	}
	c.checkMarks(n, at)
	switch n.Kind {
	case yaml.MappingNode:
		out.kind = kindObject
		c.members(out, n, at, depth)
	case yaml.SequenceNode:
		out.kind = kindArray
		for i, e := range n.Content {
			out.elems = append(out.elems, c.convert(e, at+"/"+strconv.Itoa(i), depth+1))
		}
	default:
		c.scalar(out, n, at)
	}
	return out
}

// checkMarks reports anchors and tags.
func (c *yamlConverter) checkMarks(n *yaml.Node, at string) {
	if n.Anchor != "" {
		c.report(n, at, "an anchor (&"+scrub(n.Anchor)+") stands here", "remove it; aliases are not read in a configuration")
	}
	if n.Style&yaml.TaggedStyle != 0 {
		c.report(n, at, "a tag ("+scrub(n.Tag)+") stands here", "remove it; put a string in quotation marks instead")
	}
}

func (c *yamlConverter) members(out *node, n *yaml.Node, at string, depth int) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.ShortTag() == "!!merge":
			c.report(k, at, "a merge key (<<) stands here", "write the fields out; merge keys are not read in a configuration")
			continue
		case k.Kind != yaml.ScalarNode || k.ShortTag() != "!!str" && k.ShortTag() != "!!timestamp":
			c.report(k, at, "a key that is not a string", "put it in quotation marks")
			continue
		}
		c.checkMarks(k, at)
		out.fields = append(out.fields, field{
			key: k.Value, pos: Position{Line: k.Line, Column: k.Column},
			value: c.convert(v, at+"/"+escapePointer(k.Value), depth+1),
		})
	}
}

func (c *yamlConverter) scalar(out *node, n *yaml.Node, at string) {
	switch n.ShortTag() {
	case "!!null":
		out.kind = kindNull
	case "!!bool":
		out.kind, out.truth = kindBool, strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		out.kind, out.text = kindNumber, n.Value
		if !isNumber(n.Value) {
			out.text = "0"
			c.report(n, at, fmt.Sprintf("%s is not a number as JSON writes it", quote(n.Value)),
				"write it in decimal, or in quotation marks if it is a name")
		}
	default:
		out.kind, out.text = kindString, n.Value
	}
}

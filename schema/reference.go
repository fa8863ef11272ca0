package schema

import (
	"fmt"
	"strings"
)

// Reference returns the description of every field in Markdown, a table for each
// object, generated from the schema: the middle part of docs/configuration.md.
func Reference() string {
	var b strings.Builder
	writeReference(&b, rootSpec(), "")
	return b.String()
}

// writeReference writes the table of one object and then those of the objects
// within it. path is as a reader writes it: providers.NAME.timeouts.
func writeReference(b *strings.Builder, s *spec, path string) {
	heading := "### The document"
	if path != "" {
		heading = "### `" + path + "`"
	}
	fmt.Fprintf(b, "%s\n\n%s\n\n| Field | Type | Default | Meaning |\n|---|---|---|---|\n", heading, s.text)
	for _, f := range s.fields {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.name, f.typeLabel(s), f.defaultLabel(), f.meaning())
	}
	b.WriteString("\n")
	for _, f := range s.fields {
		if inner, at := f.object(join(path, f.name)); inner != nil {
			writeReference(b, inner, at)
		}
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// object returns the object a field holds, or holds many of, and its path.
func (s *spec) object(path string) (*spec, string) {
	switch {
	case len(s.fields) > 0:
		return s, path
	case s.extra != nil && len(s.extra.fields) > 0:
		return s.extra, path + ".NAME"
	case s.items != nil && len(s.items.fields) > 0:
		return s.items, path + "[]"
	}
	return nil, ""
}

func (s *spec) typeLabel(in *spec) string {
	label := s.plainType()
	for _, name := range in.required {
		if name == s.name {
			label += ", required"
		}
	}
	return label
}

func (s *spec) plainType() string {
	switch {
	case s.ref == "duration" || s.ref == "size" || s.ref == "target" || s.ref == "name":
		return s.ref
	case s.items != nil && s.items.is("object"):
		return "rows"
	case s.items != nil:
		return "list of strings"
	case s.extra != nil:
		return "map"
	case s.is("integer"):
		return "whole number"
	}
	return strings.Join(s.types, " or ")
}

func (s *spec) defaultLabel() string {
	if s.def == nil {
		return ""
	}
	return "`" + strings.Trim(string(s.def.compact()), `"`) + "`"
}

// meaning is the description with the values allowed and an example.
func (s *spec) meaning() string {
	text := s.text
	if s.min != "" && s.max != "" {
		text += " From " + s.min + " to " + s.max + "."
	}
	if len(s.enum) > 0 {
		text += " One of `" + strings.Join(s.enum, "`, `") + "`."
	} else if len(s.examples) > 0 && len(s.fields) == 0 && !s.is("boolean") {
		text += " Example: `" + string(s.examples[0].compact()) + "`."
	}
	return strings.ReplaceAll(text, "|", `\|`)
}

package legacy

import (
	"errors"
	"strings"
)

// readINI reads the INI-like format that the C++ versions called TOON: comments
// after #, [sections], key = value. Nested objects had come out of its writer as
// sections of their own, so every section with a key or an address is a provider,
// wherever it stands.
func readINI(data []byte) (root *node, defects []defect, err error) {
	root = &node{kind: object, line: 1}
	section := root
	for no, line := range lines(data) {
		line = strings.TrimSpace(strings.ReplaceAll(line, "\x00", ""))
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok && strings.HasSuffix(name, "]") {
			section = &node{kind: object, line: no}
			root.add(strings.TrimSpace(strings.TrimSuffix(name, "]")), section)
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			defects = tooMany(defects, defect{no, "a line that is neither [section] nor key = value; it is passed over"})
			continue
		}
		section.add(strings.TrimSpace(name), iniValue(strings.TrimSpace(value), no))
	}
	if len(root.members) == 0 {
		return nil, defects, errors.New("no [section] and no key = value in it")
	}
	root.place("")
	gatherSections(root)
	return root, defects, nil
}

// iniValue reads true, false, null, none, numbers, quoted strings and lists.
func iniValue(s string, line int) *node {
	n := &node{kind: text, text: s, line: line}
	switch {
	case s == "null" || s == "none" || s == "":
		n.kind = null
	case s == "true" || s == "false":
		n.kind = boolean
	case len(s) >= 2 && s[0] == '[' && s[len(s)-1] == ']':
		n.kind = array
		for cell := range strings.SplitSeq(s[1:len(s)-1], ",") {
			if cell = strings.TrimSpace(cell); cell != "" {
				n.elems = append(n.elems, iniValue(cell, line))
			}
		}
	case len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0]:
		n.text = s[1 : len(s)-1]
	default:
		n.kind = number
		if _, ok := n.num(); !ok {
			n.kind = text
		}
	}
	return n
}

// gatherSections moves the sections that are providers below `providers`, where
// the other dialects have them. Their pointers stay.
func gatherSections(root *node) {
	providers := &node{kind: object, at: "/providers", line: 1}
	rest := root.members[:0:0]
	for _, m := range root.members {
		switch {
		case m.name == "providers" && m.value.is(object) && !isProvider(m.value) && len(m.value.members) == 0:
		case m.value.is(object) && isProvider(m.value):
			name := m.name[strings.LastIndexByte(m.name, '.')+1:]
			providers.add(name, m.value)
		default:
			rest = append(rest, m)
		}
	}
	root.members = rest
	if len(providers.members) > 0 {
		root.add("providers", providers)
	}
}

// isProvider reports whether an object has what only providers had.
func isProvider(n *node) bool {
	return n.has("api_key", "apiKey", "api_keys", "endpoint", "base_url")
}

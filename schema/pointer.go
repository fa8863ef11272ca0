package schema

import (
	"net/url"
	"strconv"
	"strings"
)

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// escapePointer writes one step of a JSON pointer (RFC 6901).
func escapePointer(step string) string {
	if !strings.ContainsAny(step, "~/") {
		return step
	}
	return pointerEscaper.Replace(step)
}

// splitPointer returns the steps of a JSON pointer, none for the whole document.
func splitPointer(pointer string) []string {
	if pointer == "" {
		return nil
	}
	steps := strings.Split(pointer[1:], "/")
	for i, s := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return steps
}

// joinPointer is the inverse of splitPointer.
func joinPointer(steps []string) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteByte('/')
		b.WriteString(escapePointer(s))
	}
	return b.String()
}

// validatorPointer turns an instance location of the jsonschema library, whose
// steps are also URL-escaped, into a plain JSON pointer.
func validatorPointer(location string) string {
	if p, err := url.PathUnescape(location); err == nil {
		return p
	}
	return location
}

// parentPointer returns the pointer without its last step.
func parentPointer(pointer string) string {
	return pointer[:max(0, strings.LastIndexByte(pointer, '/'))]
}

// lookup finds the value at a pointer in a plain tree.
func lookup(tree any, pointer string) (any, bool) {
	for _, step := range splitPointer(pointer) {
		switch t := tree.(type) {
		case map[string]any:
			v, ok := t[step]
			if !ok {
				return nil, false
			}
			tree = v
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(t) {
				return nil, false
			}
			tree = t[i]
		default:
			return nil, false
		}
	}
	return tree, true
}

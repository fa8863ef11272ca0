package service

import "strings"

// escapeUnit writes a path into a line of a unit, where % begins a specifier
// (systemd.unit(5)).
func escapeUnit(path string) string { return strings.ReplaceAll(path, "%", "%%") }

// quoteUnit writes a word of a command line (systemd.service(5)). The program
// itself is not looked at for variables; in arguments $ is doubled.
func quoteUnit(word string, program bool) string {
	pairs := []string{"%", "%%", `\`, `\\`, `"`, `\"`}
	if !program {
		pairs = append(pairs, "$", "$$")
	}
	escaped := strings.NewReplacer(pairs...).Replace(word)
	if escaped == word && !strings.ContainsAny(word, " \t';") {
		return word
	}
	return `"` + escaped + `"`
}

// escapeXML writes text into a property list.
func escapeXML(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

package legacy

import (
	"errors"
	"strings"
)

// readEnv reads an environment file: NAME=VALUE lines, with export before and
// quotes around as shells have them, and comments.
func readEnv(data []byte) (root *node, defects []defect, err error) {
	root = &node{kind: object, line: 1}
	for no, line := range lines(data) {
		line = strings.TrimSpace(strings.ReplaceAll(line, "\x00", ""))
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name = strings.TrimSpace(name)
		if !ok || !isVariable(strings.ToUpper(name)) {
			defects = tooMany(defects, defect{no, "a line without NAME=VALUE; it is passed over"})
			continue
		}
		root.add(name, &node{kind: text, line: no, text: envValue(value)})
	}
	if len(root.members) == 0 {
		return nil, defects, errors.New("no NAME=VALUE line in it")
	}
	root.place("")
	return root, defects, nil
}

// envValue takes quotes off, or a comment away.
func envValue(value string) string {
	value = strings.TrimSpace(value)
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		if end := strings.IndexByte(value[1:], value[0]); end >= 0 {
			return value[1 : end+1]
		}
		return value[1:]
	}
	value, _, _ = strings.Cut(value, " #")
	return strings.TrimSpace(value)
}

// tooMany appends up to a number of defects that people will read.
func tooMany(defects []defect, d defect) []defect {
	if len(defects) < 20 {
		defects = append(defects, d)
	}
	return defects
}

// lines yields the lines of a file with their numbers, whatever ends them, as
// valid text.
func lines(data []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		no := 0
		for line := range strings.SplitSeq(tidyText(data), "\n") {
			no++
			if no > maxNodes || !yield(no, strings.TrimSuffix(line, "\r")) {
				return
			}
		}
	}
}

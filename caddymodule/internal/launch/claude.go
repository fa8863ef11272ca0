package launch

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/jsonscan"
)

// claudeSettings returns Claude Code's settings.json with the gateway's variables
// in its env block. Everything else stays as it is, byte for byte.
func claudeSettings(text string, s Settings) (string, error) {
	if strings.TrimSpace(text) == "" {
		text = "{}\n"
	}
	members, err := membersOf(text)
	if err != nil {
		return "", err
	}
	env := "{}"
	if m, ok := members.find("env"); ok {
		env = text[m.Start:m.End]
		if env[0] != '{' {
			return "", errors.New("/env is not an object")
		}
	}
	indent := indentOf(text)
	for _, name := range rivals(Claude) {
		if env, err = dropMember(env, name); err != nil {
			return "", err
		}
	}
	for _, v := range claudeEnvironment(s) {
		if env, err = setMember(env, v.Name, string(jsonscan.AppendString(nil, v.Value)), indent+indent, indent); err != nil {
			return "", err
		}
	}
	return setMember(text, "env", env, indent, "")
}

// members are those of one JSON object.
type members []jsonscan.Member

// Member and Text make members a jsonscan.Visitor.
func (m *members) Member(x jsonscan.Member) error {
	for _, have := range *m {
		if bytes.Equal(have.Key, x.Key) {
			return fmt.Errorf("%q stands twice", x.Key)
		}
	}
	x.Key = bytes.Clone(x.Key)
	*m = append(*m, x)
	return nil
}

// Text is not needed.
func (m *members) Text(_, _ []byte) {}

func (m members) find(key string) (jsonscan.Member, bool) {
	for _, x := range m {
		if string(x.Key) == key {
			return x, true
		}
	}
	return jsonscan.Member{}, false
}

// membersOf lists the members of a JSON object. Its error says on which line the
// text stops being one.
func membersOf(text string) (members, error) {
	var out members
	err := jsonscan.Scan([]byte(text), 200, &out)
	if bad, ok := errors.AsType[*jsonscan.SyntaxError](err); ok {
		return nil, fmt.Errorf("line %d: %s", 1+strings.Count(text[:min(bad.Offset, len(text))], "\n"), bad.Msg)
	}
	return out, err
}

// setMember sets a member of a JSON object; a new one comes last, on a line of its
// own that begins with indent. outer is the indentation of the closing bracket.
func setMember(object, key, value, indent, outer string) (string, error) {
	all, err := membersOf(object)
	if err != nil {
		return "", err
	}
	if m, ok := all.find(key); ok {
		return object[:m.Start] + value + object[m.End:], nil
	}
	line := "\n" + indent + string(jsonscan.AppendString(nil, key)) + ": " + value
	if len(all) == 0 {
		open := strings.IndexByte(object, '{') + 1
		end := open + strings.IndexByte(object[open:], '}')
		return object[:open] + line + "\n" + outer + object[end:], nil
	}
	last := all[len(all)-1].End
	return object[:last] + "," + line + object[last:], nil
}

// dropMember removes a member with the comma and the space before or after it.
func dropMember(object, key string) (string, error) {
	all, err := membersOf(object)
	if err != nil {
		return "", err
	}
	for i, m := range all {
		if string(m.Key) != key {
			continue
		}
		start, end := strings.IndexByte(object, '{')+1, m.End
		switch {
		case i > 0:
			start = all[i-1].End // its comma goes with it
		case len(all) > 1:
			end += strings.IndexByte(object[end:], ',') + 1
		}
		return object[:start] + object[end:], nil
	}
	return object, nil
}

// indentOf returns the white space a document indents its members with.
func indentOf(text string) string {
	for line := range strings.Lines(text) {
		rest := strings.TrimLeft(line, " \t")
		if n := len(line) - len(rest); n > 0 && strings.HasPrefix(rest, `"`) {
			return line[:n]
		}
	}
	return "  "
}

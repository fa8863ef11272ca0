package launch

import "strings"

// Choose says which models a client is told to ask for. names are the aliases
// of the gateway, patterns included, in the order of its configuration. A
// gateway that answers the client's own names is left to do that.
func Choose(c Client, names []string) (model, small string) {
	var usable []string
	for _, name := range names {
		folded := strings.ToLower(name)
		switch {
		case answers(folded, ownNames(c)):
			return "", ""
		case folded == "default", strings.HasSuffix(folded, "*"):
		default:
			usable = append(usable, name)
		}
	}
	if len(usable) == 0 {
		return "", ""
	}
	for _, name := range usable {
		if isSmall(name) && small == "" {
			small = name
		} else if !isSmall(name) && model == "" {
			model = name
		}
	}
	if model == "" {
		model = usable[0]
	}
	return model, small
}

// answers reports whether an alias is meant for names that begin like own.
func answers(alias, own string) bool {
	start, pattern := strings.CutSuffix(alias, "*")
	return strings.HasPrefix(start, own) || pattern && strings.HasPrefix(own, start)
}

// ownNames is how the names begin that a client asks for by itself.
func ownNames(c Client) string {
	if c == Claude || c == Anthropic {
		return "claude-"
	}
	return "gpt-5"
}

// isSmall reports whether a name is one of a small, fast model, as the gateway's
// routing understands it.
func isSmall(name string) bool {
	for _, word := range []string{"haiku", "mini", "nano", "flash", "small", "lite", "fast"} {
		for rest := strings.ToLower(name); ; {
			before, after, found := strings.Cut(rest, word)
			if !found {
				break
			}
			if !endsInLetter(before) && !beginsWithLetter(after) {
				return true // a word of its own: minimax is not small
			}
			rest = after
		}
	}
	return false
}

func endsInLetter(s string) bool     { return s != "" && isLetter(s[len(s)-1]) }
func beginsWithLetter(s string) bool { return s != "" && isLetter(s[0]) }
func isLetter(b byte) bool           { return b >= 'a' && b <= 'z' }

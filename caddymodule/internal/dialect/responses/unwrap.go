package responses

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/tidwall/gjson"
)

// unwrapper turns the argument of a function that stands for a free-form tool,
// {"input":"…"}, back into the text, while it arrives in pieces.
type unwrapper struct {
	args  strings.Builder // all so far
	sent  strings.Builder // the text handed out so far
	at    int             // where the undecoded rest of the string begins; 0: not found yet
	alien bool            // the arguments have another shape: all of them go out at the end
}

// add takes a piece of the arguments and returns the text it completes.
func (u *unwrapper) add(piece string) string {
	u.args.WriteString(piece)
	args := u.args.String()
	if u.at == 0 && !u.alien {
		u.at, u.alien = inputStart(args)
	}
	if u.at == 0 || u.alien {
		return ""
	}
	end := wholeChars(args, u.at)
	text := gjson.Parse(`"` + args[u.at:end] + `"`).Str
	u.at = end
	u.sent.WriteString(text)
	return text
}

// finish returns the text still owed. Of arguments cut short it is nothing:
// what could be decoded went out.
func (u *unwrapper) finish() string {
	sent := u.sent.String()
	rest, ok := strings.CutPrefix(dialect.CustomInput(u.args.String()), sent)
	if !ok {
		return ""
	}
	return rest
}

// inputStart returns the index after the quote that opens the value of the
// first member, 0 if that has not arrived, or alien if args cannot be the
// wrapping.
func inputStart(args string) (at int, alien bool) {
	rest := args
	for _, token := range [...]string{`{`, `"input"`, `:`, `"`} {
		rest = strings.TrimLeft(rest, " \t\r\n")
		if len(rest) < len(token) {
			return 0, !strings.HasPrefix(token, rest)
		}
		if rest[:len(token)] != token {
			return 0, true
		}
		rest = rest[len(token):]
	}
	return len(args) - len(rest), false
}

// wholeChars returns how far the inside of a JSON string can be decoded from
// at on: to its closing quote, or before an escape that is not complete.
func wholeChars(args string, at int) int {
	for at < len(args) && args[at] != '"' {
		n := 1
		if args[at] == '\\' {
			n = escapeLen(args[at:])
		}
		if n == 0 {
			break
		}
		at += n
	}
	return at
}

// escapeLen is the length of the escape that s begins with, both halves of a
// surrogate pair together; 0 if it is not all there.
func escapeLen(s string) int {
	switch {
	case len(s) < 2:
		return 0
	case s[1] != 'u':
		return 2
	case len(s) < 6:
		return 0
	}
	high := (s[2] == 'd' || s[2] == 'D') && strings.IndexByte("89abAB", s[3]) >= 0
	if !high {
		return 6
	}
	if len(s) < 12 && strings.HasPrefix(`\u`, s[6:min(len(s), 8)]) || len(s) >= 8 && len(s) < 12 && s[6:8] == `\u` {
		return 0
	}
	if len(s) >= 12 && s[6:8] == `\u` {
		return 12
	}
	return 6
}

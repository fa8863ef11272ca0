package failover

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/tidwall/gjson"
)

// echoes reports the statuses whose message may be about the request, and
// repeat pieces of it: the name of a tool, a value that is not allowed, an id.
// Those are the client's words, of which none may rest a key.
func echoes(status int) bool {
	switch status {
	case 401, 402, 408, 409, 429:
		return false
	}
	return true
}

// againstKey reports the classes that rest a key, an account or a model of
// either.
func againstKey(c llm.Class) bool {
	switch c {
	case llm.ClassAuth, llm.ClassBalance, llm.ClassPlanDead, llm.ClassQuota, llm.ClassFairUse, llm.ClassModelDenied:
		return true
	}
	return false
}

// rule returns the vendor's rule for the failure, or nil. Where a message may
// repeat the request, rules about wording see what is not quoted; and if the
// answer names the parameter at fault, no wording makes it the key's.
func (r *report) rule(v *provider.Vendor) *provider.Rule {
	if !echoes(r.Status) {
		return v.Rule(&r.Failure)
	}
	f := r.Failure
	f.Text = r.plain()
	rule := v.Rule(&f)
	if rule == nil || rule.Text == "" || !againstKey(rule.Class) {
		return rule
	}
	if r.Param != "" || r.Status == 404 && r.namesObject() {
		return nil
	}
	return rule
}

// faultClass classifies an answer about the request that no rule knows. That
// it is too long or not allowed is looked for in the whole message, as neither
// rests anything.
func (r *report) faultClass() llm.Class {
	class := firstClass(r.Text, llm.ClassBadRequest, saysLong, saysContent)
	switch {
	case class != llm.ClassBadRequest:
		return class
	case r.Param == "":
		return firstClass(r.plain(), class, saysBalance, saysQuota, saysBadKey, saysNoModel)
	case r.Param == "model":
		return firstClass(r.plain(), class, saysNoModel)
	}
	return class
}

// plain is the message in lower case, without what it quotes; and, after it,
// that of the company behind OpenRouter.
func (r *report) plain() string {
	text := unquoted(r.Message)
	if raw := r.rawMessage(); raw != "" {
		said := firstString(gjson.Parse(raw), "error.message", "message", "error", "detail")
		if said == "" {
			said = raw
		}
		text += "\n" + unquoted(said)
	}
	return strings.ToLower(text)
}

// unquoted returns s without what stands in ', " or `, the marks included. A
// quotation that does not end was cut off, and reaches to the end. The
// apostrophe in "You've" is no mark.
func unquoted(s string) string {
	if !strings.ContainsAny(s, "'\"`") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if !opensQuote(s, i) {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteByte(' ')
		i = quoteEnd(s, i)
	}
	return b.String()
}

// opensQuote reports whether a quotation begins at i.
func opensQuote(s string, i int) bool {
	switch s[i] {
	case '"', '`':
		return true
	case '\'':
		return i == 0 || !ofWord(s[i-1])
	}
	return false
}

// quoteEnd returns the index after the quotation that begins at i. A mark
// after a backslash, or an apostrophe within a word, does not end it.
func quoteEnd(s string, i int) int {
	mark := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == mark && (mark != '\'' || i+1 == len(s) || !ofWord(s[i+1])):
			return i + 1
		}
	}
	return len(s)
}

// ofWord reports a letter or digit; what is not ASCII counts as one.
func ofWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

package toon

import (
	"strconv"
	"strings"
)

// numberShape takes a token apart along
// [+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?, ASCII digits only.
type numberShape struct {
	sign     byte // '+', '-' or 0
	whole    string
	fraction string // without its point
	exponent string // with its sign, without the e
}

// parseNumber reports whether the whole of s is numeric-like (§7.2).
func parseNumber(s string) (n numberShape, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n.sign, s = s[0], s[1:]
	}
	if n.whole, s = leadingDigits(s); n.whole == "" {
		return n, false
	}
	if s != "" && s[0] == '.' {
		if n.fraction, s = leadingDigits(s[1:]); n.fraction == "" {
			return n, false
		}
	}
	if s == "" {
		return n, true
	}
	if s[0]|0x20 != 'e' {
		return n, false
	}
	s = s[1:]
	signed := 0
	if s != "" && (s[0] == '-' || s[0] == '+') {
		signed = 1
	}
	digits, rest := leadingDigits(s[signed:])
	n.exponent = s[:signed+len(digits)]
	return n, digits != "" && rest == ""
}

func leadingDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return s[:i], s[i:]
}

// isNumber reports whether an unquoted token is a number (§4): no plus sign and
// no leading zero before another digit.
func isNumber(s string) bool {
	if s == "" || s[0] != '-' && s[0]-'0' > 9 {
		return false
	}
	n, ok := parseNumber(s)
	return ok && !(len(n.whole) > 1 && n.whole[0] == '0')
}

// isNumberLike reports whether a string must be quoted because some reader
// might take it for a number (§7.2).
func isNumberLike(s string) bool {
	_, ok := parseNumber(s)
	return ok
}

// The range in which §2 forbids exponents: 1e-6 ≤ |n| < 1e21.
const (
	minPlainExponent = -6
	maxPlainExponent = 20
	// maxPlainText is a length below which a number without exponent and
	// leading zero surely lies in that range.
	maxPlainText = 20
)

// canonicalNumber rewrites a number in the form of §2. No digit is lost: the
// arithmetic is on the text.
func canonicalNumber(s string) string {
	if isPlainInteger(s) {
		return s
	}
	n, ok := parseNumber(s)
	if !ok {
		return s
	}
	digits := strings.TrimLeft(n.whole+n.fraction, "0")
	dropped := len(n.whole) + len(n.fraction) - len(digits)
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return "0"
	}
	exponent, err := strconv.ParseInt(strings.TrimPrefix(n.exponent, "+"), 10, 64)
	if n.exponent != "" && (err != nil || exponent > 1<<60 || exponent < -1<<60) {
		return strings.ToLower(s) // nobody can compute with it; keep it as it is
	}
	exponent += int64(len(n.whole) - dropped - 1)
	var b strings.Builder
	if n.sign == '-' {
		b.WriteByte('-')
	}
	if exponent < minPlainExponent || exponent > maxPlainExponent {
		writeScientific(&b, digits, exponent)
	} else {
		writePlain(&b, digits, int(exponent))
	}
	return b.String()
}

// isPlainInteger recognises the numbers most documents hold.
func isPlainInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > maxPlainText || digits[0] == '0' && s != "0" {
		return false
	}
	_, rest := leadingDigits(digits)
	return rest == ""
}

// writeScientific writes d.ddde±x; digits[0] has the weight 10^exponent.
func writeScientific(b *strings.Builder, digits string, exponent int64) {
	b.WriteByte(digits[0])
	if len(digits) > 1 {
		b.WriteByte('.')
		b.WriteString(digits[1:])
	}
	b.WriteByte('e')
	if exponent > 0 {
		b.WriteByte('+')
	}
	b.WriteString(strconv.FormatInt(exponent, 10))
}

// writePlain writes the number without an exponent.
func writePlain(b *strings.Builder, digits string, exponent int) {
	switch whole := exponent + 1; {
	case whole <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -whole))
		b.WriteString(digits)
	case whole >= len(digits):
		b.WriteString(digits)
		b.WriteString(strings.Repeat("0", whole-len(digits)))
	default:
		b.WriteString(digits[:whole])
		b.WriteByte('.')
		b.WriteString(digits[whole:])
	}
}

package backup

import (
	"slices"
	"strings"
)

// maxDiff bounds the lines, beside those equal at either end, that are compared.
const maxDiff = 2000

// diffLines returns the lines that differ, "-" before those of a and "+" before
// those of b, in order.
func diffLines(a, b []string) []string {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) > maxDiff || len(b) > maxDiff {
		return []string{"(too many lines differ to be shown)"}
	}
	common := commonLengths(a, b)
	var out []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i++
			j++
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+blot(a[i]))
			i++
		default:
			out = append(out, "+ "+blot(b[j]))
			j++
		}
	}
	return out
}

// commonLengths returns, for each pair of positions, the length of the longest
// sequence of lines that what follows them has in common.
func commonLengths(a, b []string) [][]uint16 {
	table := make([][]uint16, len(a)+1)
	for i := range table {
		table[i] = make([]uint16, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}

// blot hides the words of a line that may be secrets: a configuration has none, but
// a file that was damaged or pasted into may. It hides too much rather than too
// little.
func blot(line string) string {
	var b strings.Builder
	start := 0
	flush := func(word string) {
		if mayBeSecret(word) {
			word = "****"
		}
		b.WriteString(word)
	}
	for i, c := range line {
		if strings.ContainsRune(" \t,;\"'`{}[]()=|:", c) {
			flush(line[start:i])
			b.WriteRune(c)
			start = i + len(string(c))
		}
	}
	flush(line[start:])
	return b.String()
}

// mayBeSecret reports whether a word is long and mixed, or begins as keys do.
func mayBeSecret(word string) bool {
	if i := slices.IndexFunc([]string{"sk-", "csk-", "syn_", "gsk_", "eyJ", "amx_", "AGE-SECRET"}, func(p string) bool { return strings.HasPrefix(word, p) }); i >= 0 {
		return len(word) >= 10
	}
	for part := range strings.SplitSeq(word, "/") {
		digits, letters := 0, 0
		for _, c := range part {
			switch {
			case c >= '0' && c <= '9':
				digits++
			case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
				letters++
			}
		}
		if digits+letters >= 20 && digits >= 4 && letters >= 4 {
			return true
		}
	}
	return false
}

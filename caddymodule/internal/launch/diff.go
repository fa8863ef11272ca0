package launch

import (
	"slices"
	"strings"
)

// diff compares two texts line by line: "-" is what goes, "+" what comes, with a
// line of what stays around them. Secrets are blotted out, and so are the values
// of lines that are named like keys.
func diff(before, after string, secrets []string) string {
	a, b := linesOf(before), linesOf(after)
	common := longest(a, b)
	var out []string
	shown := func(sign, line string) { out = append(out, sign+blot(line, secrets)) }
	var i, j int
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			shown("  ", a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			shown("- ", a[i])
			i++
		default:
			shown("+ ", b[j])
			j++
		}
	}
	return strings.Join(near(out), "\n")
}

func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// maxDiff is the number of lines above which texts are shown as all different.
const maxDiff = 3000

// longest returns, for each pair of places, how many lines are common from there.
func longest(a, b []string) [][]int32 {
	table := make([][]int32, len(a)+1)
	for i := range table {
		table[i] = make([]int32, len(b)+1)
	}
	if len(a) > maxDiff || len(b) > maxDiff {
		return table
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}

// near keeps the changed lines and one on either side of them.
func near(lines []string) []string {
	var out []string
	for i, line := range lines {
		around := lines[max(0, i-1):min(len(lines), i+2)]
		if slices.ContainsFunc(around, func(l string) bool { return l[0] != ' ' }) {
			out = append(out, strings.TrimRight(line, " \r"))
		}
	}
	return out
}

// blot hides what may be a secret.
func blot(line string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= 8 {
			line = strings.ReplaceAll(line, s, "[redacted]")
		}
	}
	at := strings.IndexAny(line, ":=")
	if at < 0 {
		return line
	}
	name := strings.ToUpper(line[:at])
	for _, word := range []string{"TOKEN", "API_KEY", "APIKEY", "SECRET", "PASSWORD", "AUTHORIZATION"} {
		if strings.Contains(name, word) && !strings.Contains(name, "ENV_KEY") {
			return line[:at+1] + " [redacted]"
		}
	}
	return line
}

package schema

import (
	"iter"
	"strconv"
	"strings"
)

// maxQuoted is how many characters of a value a message repeats.
const maxQuoted = 60

// quote returns text as a message may show it: quoted, shortened, and blotted
// out where it may be a secret.
func quote(text string) string {
	if looksSecret(text) {
		return `"[redacted]"`
	}
	if r := []rune(text); len(r) > maxQuoted {
		text = string(r[:maxQuoted]) + "…"
	}
	return strconv.Quote(text)
}

// nearest returns the candidate most like name, if any is alike enough to be
// what was meant; the first of several equally alike.
func nearest(name string, candidates iter.Seq[string]) (string, bool) {
	name = strings.ToLower(name)
	limit := min(3, 1+len([]rune(name))/4)
	best, bestAt, found := "", limit+2, false
	for c := range candidates {
		folded := strings.ToLower(c)
		d := distance(name, folded, limit)
		if d > limit && !sharePrefix(name, folded) {
			continue
		}
		if d = min(d, limit+1); d < bestAt {
			best, bestAt, found = c, d, true
		}
	}
	return best, found
}

// sharePrefix says whether one name begins with the other, three letters at
// least.
func sharePrefix(a, b string) bool {
	return min(len(a), len(b)) >= 3 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// didYouMean returns the hint for a misspelt name, "" when nothing is near.
func didYouMean(name string, candidates iter.Seq[string]) string {
	if c, ok := nearest(name, candidates); ok && c != name {
		return "did you mean " + strconv.Quote(c) + "?"
	}
	return ""
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a; any number above limit means "more than that".
func distance(a, b string, limit int) int {
	s, t := []rune(a), []rune(b)
	if len(s) > 64 || len(t) > 64 || len(s)-len(t) > limit || len(t)-len(s) > limit {
		return limit + 1
	}
	before, prev, cur := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(s); i++ {
		cur[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(t)]
}

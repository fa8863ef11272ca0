package route

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// names finds the alias, or the targets, of a name. It is built once and then
// only read.
type names struct {
	exact    map[string]*entry // aliases, by lower-case name
	prefixes []*entry          // "prefix*", the longest first; "*" is the last
	direct   map[string]*entry // provider/model
	bare     map[string]*entry // model ids, if they may be asked for
	fallback *entry            // for every other name; nil: unknown
}

// find returns what name stands for, or nil. The most particular wins: an
// alias, provider/model, a bare model id, the longest pattern, the fallback.
func (n *names) find(name string) *entry {
	if e := n.named(name); e != nil {
		return e
	}
	folded := strings.ToLower(provider.PlainModel(name))
	if e := n.named(folded); e != nil {
		return e
	}
	for _, e := range n.prefixes {
		if strings.HasPrefix(folded, e.prefix) {
			return e
		}
	}
	return n.fallback
}

func (n *names) named(name string) *entry {
	if e := n.exact[name]; e != nil {
		return e
	}
	if e := n.direct[name]; e != nil {
		return e
	}
	return n.bare[name]
}

// maxName bounds how much of a client's name is compared.
const maxName = 128

// near returns up to three known names like name, the most alike first.
func (n *names) near(name string) []string {
	name = strings.ToLower(name[:min(len(name), maxName)])
	type scored struct {
		name string
		d    int
	}
	var found []scored
	seen := map[string]bool{}
	for _, table := range []map[string]*entry{n.exact, n.bare, n.direct} {
		for known, e := range table {
			if e.hidden || seen[e.name] {
				continue
			}
			d := distance(name, known)
			if d <= max(len(known), len(name))/3 || len(name) >= 3 && strings.Contains(known, name) {
				seen[e.name] = true
				found = append(found, scored{e.name, d})
			}
		}
	}
	slices.SortFunc(found, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.d, b.d), cmp.Compare(a.name, b.name))
	})
	var out []string
	for _, f := range found[:min(len(found), 3)] {
		out = append(out, f.name)
	}
	return out
}

// distance is how many letters must be changed, added, dropped or swapped with
// their neighbour to make a of b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = last[j]
			if a[i] != b[j] {
				row[j+1] = 1 + min(last[j], last[j+1], row[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// containsFold reports whether s contains the lower-case part, letter case
// aside.
func containsFold(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

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

// distance is how many letters must be changed, added or dropped to make a
// of b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := left
			if a[i] != b[j] {
				d = 1 + min(left, row[j], row[j+1])
			}
			left, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
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

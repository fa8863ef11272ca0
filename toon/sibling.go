package toon

import (
	"cmp"
	"slices"
	"strings"
)

// sibling is a key with the index of what it names.
type sibling struct {
	key string
	id  uint32
}

// fewSiblings is the number up to which comparing every pair beats sorting.
const fewSiblings = 16

// eachDuplicate calls found with the indices of an earlier and a later bearer of
// every key that is repeated, in no particular order. It reorders s.
func eachDuplicate(s []sibling, found func(earlier, later uint32)) {
	if len(s) > fewSiblings {
		slices.SortFunc(s, compareSiblings)
		for i := 1; i < len(s); i++ {
			if s[i].key == s[i-1].key {
				found(s[i-1].id, s[i].id)
			}
		}
		return
	}
	for j := range s {
		for i := j - 1; i >= 0; i-- {
			if s[i].key == s[j].key {
				found(s[i].id, s[j].id)
				break
			}
		}
	}
}

func compareSiblings(a, b sibling) int {
	if c := strings.Compare(a.key, b.key); c != 0 {
		return c
	}
	return cmp.Compare(a.id, b.id)
}

// firstDuplicate returns the duplicate that comes first in the document, and
// whether there is one.
func firstDuplicate(s []sibling) (earlier, later uint32, found bool) {
	eachDuplicate(s, func(e, l uint32) {
		if !found || l < later {
			earlier, later, found = e, l, true
		}
	})
	return earlier, later, found
}

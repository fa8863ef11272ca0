package toon

import (
	"cmp"
	"iter"
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

// duplicates yields the indices of an earlier and a later bearer for every key
// that is repeated, in no particular order. It reorders s.
func duplicates(s []sibling) iter.Seq2[uint32, uint32] {
	if len(s) > fewSiblings {
		return sortedDuplicates(s)
	}
	return func(yield func(earlier, later uint32) bool) {
		for j := range s {
			for i := j - 1; i >= 0; i-- {
				if s[i].key != s[j].key {
					continue
				}
				if !yield(s[i].id, s[j].id) {
					return
				}
				break
			}
		}
	}
}

// sortedDuplicates finds equal keys as neighbours in sorted order.
func sortedDuplicates(s []sibling) iter.Seq2[uint32, uint32] {
	slices.SortFunc(s, func(a, b sibling) int {
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		return cmp.Compare(a.id, b.id)
	})
	return func(yield func(earlier, later uint32) bool) {
		for i := 1; i < len(s); i++ {
			if s[i].key == s[i-1].key && !yield(s[i-1].id, s[i].id) {
				return
			}
		}
	}
}

// firstDuplicate returns the duplicate that comes first in the document.
func firstDuplicate(s []sibling) (earlier, later uint32, found bool) {
	for e, l := range duplicates(s) {
		if !found || l < later {
			earlier, later, found = e, l, true
		}
	}
	return earlier, later, found
}

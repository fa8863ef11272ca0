package provider

import (
	"slices"
	"strings"
)

// Nearest returns up to n model names that look like name, the most alike
// first; nil if none is alike enough to be meant.
func (c *Cat) Nearest(name string, n int) []string { return nearest(name, c.names, n) }

// NearestKind returns the kind that looks most like name, or "".
func (c *Cat) NearestKind(name string) string {
	kinds := make([]string, 0, len(c.kinds))
	for _, v := range c.vendors {
		kinds = append(kinds, v.Kind)
	}
	if near := nearest(name, kinds, 1); len(near) == 1 {
		return near[0]
	}
	return ""
}

// maxName bounds the names that are compared: the cost grows with the square.
const maxName = 128

func nearest(name string, candidates []string, n int) []string {
	type scored struct {
		name string
		off  int
	}
	name = strings.ToLower(PlainModel(strings.TrimSpace(name)))
	if name == "" || len(name) > maxName || n <= 0 {
		return nil
	}
	var near []scored
	for _, c := range candidates {
		key := strings.ToLower(c)
		off := distance(name, key)
		if strings.Contains(key, name) || strings.Contains(name, key) {
			off = min(off, 2)
		}
		if off <= max(len(name), len(key))*2/5 {
			near = append(near, scored{c, off})
		}
	}
	slices.SortStableFunc(near, func(a, b scored) int { return a.off - b.off })
	var names []string
	for _, s := range near[:min(n, len(near))] {
		names = append(names, s.name)
	}
	return names
}

// distance is the number of bytes to insert, delete, change or swap with their
// neighbour to get from a to b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

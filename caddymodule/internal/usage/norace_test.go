//go:build !race

package usage

// slow is how many times fewer rows the long tests write.
const slow = 1

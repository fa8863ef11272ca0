//go:build race

package usage

// slow is how many times fewer rows the long tests write: the race detector
// watches all of SQLite.
const slow = 10

//go:build race

package gateway

// raceEnabled says that sync.Pool forgets at random, on purpose.
const raceEnabled = true

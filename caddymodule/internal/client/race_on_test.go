//go:build race

package client

// raceEnabled says that sync.Pool forgets at random, on purpose.
const raceEnabled = true

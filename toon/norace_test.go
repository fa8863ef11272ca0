//go:build !race

package toon

// raceFactor stretches time limits where the race detector slows things down.
const raceFactor = 1

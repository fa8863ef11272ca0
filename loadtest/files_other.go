//go:build !unix

package main

// raiseFiles has nothing to raise here.
func raiseFiles() {}

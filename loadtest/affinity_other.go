//go:build !linux

package main

import "os/exec"

// processors returns none: only Linux lets a process choose.
func processors() []int { return nil }

func pinSelf([]int) {}

func startOn(cmd *exec.Cmd, _ []int) error { return cmd.Start() }

package command

import (
	"maps"
	"os"
	"slices"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/google/go-cmp/cmp"
)

func TestRegister_WhatIsTypedDecides(t *testing.T) {
	args := os.Args
	defer func() { os.Args = args }()
	known := func() []string { return slices.Sorted(maps.Keys(caddycmd.Commands())) }
	before := known()
	for _, line := range [][]string{{"/usr/bin/aimux", "run", "--config", "Caddyfile"}, {"/usr/bin/caddy", "run"}} {
		os.Args = line
		host().Register()
		if d := cmp.Diff(before, known()); d != "" {
			t.Errorf("%q:\n%s", line, d)
		}
	}
	for _, c := range []struct {
		line []string
		want string
	}{{[]string{"/usr/bin/aimux.exe", "doctor"}, "doctor"}, {[]string{"/usr/bin/xcaddied"}, "aimux"}} {
		os.Args = c.line
		if caddycmd.Commands()[c.want].Name != "" {
			continue // the module is in this test too, and has registered itself
		}
		host().Register()
		if caddycmd.Commands()[c.want].Name == "" {
			t.Errorf("%q: there is no %s", c.line, c.want)
		}
	}
}

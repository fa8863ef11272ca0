package command

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// Register adds aimux's commands: beside Caddy's own in a binary called aimux,
// below `aimux` in anyone else's build.
//
// In a binary called aimux it also turns what older versions of aimux
// understood into the commands of today, in os.Args: it runs before Caddy reads
// them, whichever main the binary has.
//
// What is to serve needs no other command: of a start, making all of them and
// their flags would take half a millisecond.
func (h *Host) Register() {
	binary := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	own := binary == "aimux" || strings.HasPrefix(binary, "aimux-")
	if own {
		if caddy.CustomBinaryName == "" {
			caddy.CustomBinaryName = binary
			caddy.CustomLongDescription = "aimux is an LLM gateway: one URL in front of all your model providers. It is a Caddy server with the aimux module, so Caddy's commands are here too."
		}
		os.Args = append(os.Args[:1:1], cli.Rewrite(os.Args[1:])...)
	}
	switch {
	case len(os.Args) > 1 && os.Args[1] == "run":
	case own:
		h.beside()
	default:
		h.below()
	}
}

// beside registers each command.
func (h *Host) beside() {
	for _, add := range h.Commands() {
		var named cobra.Command
		add(&named)
		caddycmd.RegisterCommand(caddycmd.Command{
			Name: named.Name(), Usage: strings.TrimPrefix(named.Use, named.Name()), Short: named.Short, Long: named.Long,
			CobraFunc: func(cmd *cobra.Command) {
				add(cmd)
				exits(cmd)
			},
		})
	}
}

// below registers one command that has all others.
func (h *Host) below() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name: "aimux", Short: "Works with the aimux LLM gateway",
		CobraFunc: func(cmd *cobra.Command) {
			for _, add := range h.Commands() {
				sub := &cobra.Command{}
				add(sub)
				cmd.AddCommand(sub)
			}
			exits(cmd)
		},
	})
}

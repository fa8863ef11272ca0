package cli

import (
	"testing"

	"github.com/spf13/cobra"
)

// BenchmarkCommands is what every start of the program pays for the commands,
// also that of a server: they are made while Caddy reads its command line.
func BenchmarkCommands(b *testing.B) {
	host := new(Host)
	b.ReportAllocs()
	for b.Loop() {
		for _, add := range host.Commands() {
			add(new(cobra.Command))
		}
	}
}

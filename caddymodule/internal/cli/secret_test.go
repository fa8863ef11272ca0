package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// leaves calls f for every command that does something.
func leaves(cmd *cobra.Command, f func(*cobra.Command)) {
	for _, sub := range cmd.Commands() {
		if sub.HasSubCommands() || sub.HasParent() {
			leaves(sub, f)
		}
	}
	if cmd.HasParent() && cmd.Runnable() && cmd.Name() != movedName {
		f(cmd)
	}
}

// TestSecrets_OnTheCommandLineAreRefusedEverywhere types one into every
// command, as an argument and as a flag.
func TestSecrets_OnTheCommandLineAreRefusedEverywhere(t *testing.T) {
	var paths [][]string
	leaves(newBench(t).root(), func(cmd *cobra.Command) { paths = append(paths, strings.Fields(cmd.CommandPath())[1:]) })
	if len(paths) < 40 {
		t.Fatalf("only %d commands", len(paths))
	}
	b := newBench(t)
	for _, secret := range []string{canary, "sk-ant-api03-abcdefghijklmnop", "amx_abc_0123456789abcdef", "0123456789abcdef0123456789abcdef.FakeZaiKey000001", "zai/sk-0123456789abcdef"} {
		for _, path := range paths {
			for _, typed := range [][]string{{secret}, {"x", secret}, {"--" + secret}, {"--secret=" + secret}, {"-" + secret}, {"--account", secret}} {
				out, said, code := b.run(append(path, typed...)...)
				if code != Usage || strings.Contains(out+said, strings.TrimPrefix(secret, "zai/")) || b.fake.Changes() != 0 {
					t.Errorf("aimux %s %v: exit code %d, %d changes: %s%s", strings.Join(path, " "), typed, code, b.fake.Changes(), out, said)
				}
			}
		}
	}
}

func TestHoldsSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"sk-proj-0123456789abcd": true, "main": false, "zai": false, "sk-main": false, "anna@example.com": false, "hf:zai-org/GLM-4.6": false,
		"AGE-SECRET-KEY-1QQQQQQQQQQQQQ": true, "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgp": false, "ey": false, "": false,
		"unknown shorthand flag: 's' in -sk-0123456789abcdef": true, "req_c8e349e4f4262f03beab0a49": false, "0123456789abcdef0123456789abcdef": false,
	} {
		if got := holdsSecret(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

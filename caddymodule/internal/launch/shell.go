package launch

import (
	"fmt"
	"path"
	"strings"
)

// Shells lists the shells Render writes for.
func Shells() []string { return []string{"sh", "fish", "powershell"} }

// ShellOf returns the shell of a $SHELL, or the usual one of the system.
func ShellOf(shell, goos string) string {
	switch strings.TrimSuffix(path.Base(strings.ReplaceAll(shell, `\`, "/")), ".exe") {
	case "fish":
		return "fish"
	case "pwsh", "powershell":
		return "powershell"
	case ".", "":
		if goos == "windows" {
			return "powershell"
		}
	}
	return "sh"
}

// Render writes what sets the client's variables in a shell, to be evaluated
// there. sh is for all shells of its family.
func Render(shell string, c Client, s Settings) (string, error) {
	var b strings.Builder
	line, unset := "", ""
	switch shell {
	case "sh":
		line, unset = "export %s=%s\n", "unset %s\n"
	case "fish":
		line, unset = "set -gx %s %s\n", "set -e %s\n"
	case "powershell":
		line, unset = "$env:%s = %s\n", "Remove-Item Env:%s -ErrorAction SilentlyContinue\n"
	default:
		return "", fmt.Errorf("there is no shell %q; there are %s", shell, strings.Join(Shells(), ", "))
	}
	for _, v := range Environment(c, s) {
		fmt.Fprintf(&b, line, v.Name, quoted(shell, v.Value))
	}
	for _, name := range rivals(c) {
		fmt.Fprintf(&b, unset, name)
	}
	if c == Codex {
		b.WriteString("# Codex takes its provider from its command line or its file, not from the environment:\n# codex")
		for _, arg := range Args(c, s) {
			b.WriteString(" " + quoted(shell, strings.ReplaceAll(arg, "\n", " ")))
		}
		b.WriteString("\n# or: aimux setup codex --write\n")
	}
	return b.String(), nil
}

// quoted writes a word that the shell takes literally.
func quoted(shell, word string) string {
	switch shell {
	case "fish":
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(word) + "'"
	case "powershell": // it takes typographic quotes for quotes too
		return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(word) + "'"
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

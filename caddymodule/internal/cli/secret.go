package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aimux/aimux/schema"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// ErrNoTerminal says that nobody can be asked.
var ErrNoTerminal = errors.New("there is no terminal to ask on")

// pasted is what is said to somebody who wrote a secret into a command line.
const pasted = "an argument looks like a secret. Other users of this machine can read command lines, and your shell may have kept this one in its history: " +
	"take it out there, and better replace the key. Leave the secret away and you are asked for it; or give it with --stdin, or with --file PATH"

// secretBeginnings begin keys of known makers, and tokens of our own.
func secretBeginnings() []string {
	return []string{
		"sk-", "sk_", "csk-", "syn_", "gsk_", "eyJ", "xai-", "AIza", "pk_", "rk_", "xoxb-", "xoxp-", "ghp_", "gho_", "ghu_", "github_pat_",
		"hf_", "nvapi-", "amx_", "AGE-SECRET-KEY-", "Bearer ",
	}
}

// holdsSecret reports whether a text is built like a key, or has a word in it
// that is. An amx_ id without its secret part is no secret.
func holdsSecret(texts ...string) bool {
	for _, text := range texts {
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;\"'`()=:/", r) }) {
			if secretShape(strings.TrimLeft(word, "-")) {
				return true
			}
		}
	}
	return false
}

func secretShape(word string) bool {
	for _, p := range secretBeginnings() {
		if strings.HasPrefix(word, p) && len(word) >= len(p)+12 {
			return true
		}
	}
	// Z.AI: 32 hexadecimal digits, a dot, 16 letters and digits.
	id, rest, ok := strings.Cut(word, ".")
	return ok && len(id) == 32 && len(rest) == 16 && strings.Trim(id, "0123456789abcdef") == ""
}

// secretFlags adds the ways to give a secret.
func secretFlags(cmd *cobra.Command, what string) {
	cmd.Flags().Bool("stdin", false, "read "+what+" from the standard input")
	cmd.Flags().String("file", "", "read "+what+" from this file")
}

// secret reads a secret: from a file or the standard input if a flag says so,
// else from the terminal. Space around it is taken away. Twice asks again, as
// for a password that nobody can see while typing.
func (s *session) secret(what string, twice bool) (string, error) {
	file, fromStdin := s.text("file"), s.text("stdin") == "true"
	var text string
	var err error
	switch {
	case file != "" && fromStdin:
		return "", usagef("--file and --stdin cannot be used together")
	case file != "":
		var data []byte
		if data, err = schema.ReadSecretFile(file); err != nil {
			return "", fmt.Errorf("reading %s from a file: %w", what, err)
		}
		text = string(data)
	case fromStdin:
		if text, err = readLine(s.cmd.InOrStdin()); err != nil {
			return "", fmt.Errorf("reading %s from the standard input: %w", what, err)
		}
	default:
		text, err = s.ask(what, twice)
		if err != nil {
			return "", err
		}
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", usagef("%s is empty", what)
	}
	return text, nil
}

func (s *session) ask(what string, twice bool) (string, error) {
	text, err := s.host.Ask(what + " (not shown): ")
	if errors.Is(err, ErrNoTerminal) {
		return "", usagef("there is no terminal to ask for %s on; give it with --stdin or --file PATH", what)
	}
	if err != nil || !twice {
		return text, err
	}
	again, err := s.host.Ask("the same again: ")
	if err == nil && again != text {
		err = errors.New("the two are not the same")
	}
	return text, err
}

// maxSecret bounds what is read as a secret, in bytes.
const maxSecret = 64 << 10

func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxSecret)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}

func askTerminal(prompt string) (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", ErrNoTerminal
	}
	fmt.Fprint(os.Stderr, prompt)
	text, err := term.ReadPassword(fd)
	fmt.Fprintln(os.Stderr)
	return string(text), err
}

func confirmOnTerminal(question string) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return true, nil
	}
	fmt.Fprint(os.Stderr, question+" [y/N] ")
	line, err := readLine(os.Stdin)
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", err
}

// sure asks before something that cannot be taken back, unless --yes was given.
func (s *session) sure(format string, args ...any) error {
	if s.text("yes") == "true" {
		return nil
	}
	yes, err := s.host.Confirm(fmt.Sprintf(format, args...))
	if err != nil {
		return err
	}
	if !yes {
		return errors.New("nothing was changed")
	}
	return nil
}

func yesFlag(cmd *cobra.Command) { cmd.Flags().Bool("yes", false, "do not ask") }

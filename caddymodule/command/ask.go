package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// errDeclined ends a command that was not agreed to.
var errDeclined = errors.New("nothing was changed")

// Consent asks for a yes on the terminal. Without a terminal there is nobody to
// say it.
func Consent(in *os.File, out io.Writer, question string) error {
	if !term.IsTerminal(int(in.Fd())) {
		return errors.New("there is no terminal to ask on: add --yes")
	}
	fmt.Fprint(out, question+" [y/N] ")
	var answer string
	_, _ = fmt.Fscanln(in, &answer)
	if answer = strings.ToLower(answer); answer != "y" && answer != "yes" {
		return errDeclined
	}
	return nil
}

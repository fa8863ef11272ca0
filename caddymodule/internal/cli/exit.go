package cli

import (
	"errors"
	"fmt"

	"github.com/aimux/aimux/caddymodule/internal/vault"
)

// Exit is the code that a command ends its process with.
type Exit int

// The exit codes of all commands.
const (
	OK      Exit = 0 // it was done
	Failed  Exit = 1 // it could not be done, or what was checked is not in order
	Usage   Exit = 2 // the command was not understood
	Nothing Exit = 3 // there is no such thing, nothing to show, or no server
)

// ExitError is an error with the exit code it means.
type ExitError struct {
	Code Exit
	Err  error
}

// Error returns the text of the error within.
func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap returns the error within.
func (e *ExitError) Unwrap() error { return e.Err }

// CodeOf returns the exit code that an error of a command means.
func CodeOf(err error) Exit {
	var coded *ExitError
	var api *APIError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &coded):
		return coded.Code
	case errors.As(err, &api) && api.Status == 404, errors.Is(err, vault.ErrMissing), errors.Is(err, vault.ErrNotFound):
		return Nothing
	}
	return Failed
}

func usagef(format string, args ...any) error {
	return &ExitError{Code: Usage, Err: fmt.Errorf(format, args...)}
}

func nothingf(format string, args ...any) error {
	return &ExitError{Code: Nothing, Err: fmt.Errorf(format, args...)}
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// session is one run of a command.
type session struct {
	host  *Host
	cmd   *cobra.Command
	ctx   context.Context
	out   io.Writer
	paint func(colour, text string) string
	open  *api // nil until the first question
}

// run makes a cobra function of a command.
func (h *Host) run(f func(*session, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		s := &session{host: h, cmd: cmd, ctx: ctx, out: cmd.OutOrStdout(), paint: Painter(cmd.OutOrStdout())}
		err := f(s, args)
		if s.open != nil {
			err = errors.Join(err, s.open.way.Close())
		}
		return one(err)
	}
}

// one unwraps what errors.Join made of a single error.
func one(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) == 1 {
		return joined.Unwrap()[0]
	}
	return err
}

// api is the way to the gateway, found at the first call.
func (s *session) api() (*api, error) {
	if s.open != nil {
		return s.open, nil
	}
	t := target{admin: s.text("admin"), config: s.text("config")}
	way, note, err := s.host.connect(s.ctx, t)
	if err != nil {
		return nil, err
	}
	if note != "" {
		s.say("note: %s", note)
	}
	if on, _ := s.cmd.Flags().GetBool("verbose"); on {
		s.say("using %s", way)
	}
	s.open = &api{way: way}
	return s.open, nil
}

// text is the value of a flag, empty if the command has none of that name.
func (s *session) text(flag string) string {
	f := s.cmd.Flags().Lookup(flag)
	if f == nil {
		return ""
	}
	return f.Value.String()
}

// json reports whether the answer is to be printed as JSON.
func (s *session) json() bool { return s.text("json") == "true" }

// say tells the user something that was not asked for.
func (s *session) say(format string, args ...any) {
	fmt.Fprintf(s.cmd.ErrOrStderr(), format+"\n", args...)
}

// printJSON prints an answer of the API, indented.
func (s *session) printJSON(data json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := s.out.Write(b.Bytes())
	return err
}

// show prints an answer: as it is with --json, else as text, which is made of v
// once the answer is decoded into it.
func (s *session) show(data json.RawMessage, v any, text func() error) error {
	if s.json() {
		return s.printJSON(data)
	}
	if err := decode(data, v); err != nil {
		return err
	}
	return text()
}

// changed is show for a change: a sentence is enough.
func (s *session) changed(data json.RawMessage, format string, args ...any) error {
	if s.json() && len(data) > 0 {
		return s.printJSON(data)
	}
	_, err := fmt.Fprintf(s.out, format+"\n", args...)
	return err
}

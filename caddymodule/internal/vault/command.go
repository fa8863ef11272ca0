package vault

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// run starts the command and reads the key from its output. What the command
// writes to its standard error goes nowhere: it could hold anything.
func (s KeySource) run(ctx context.Context) (material, error) {
	limit := s.CommandLimit
	if limit <= 0 {
		limit = 10 * time.Second
	}
	name := s.Command[0]
	if !filepath.IsAbs(name) {
		return material{}, noKey("", "the key command", fmt.Sprintf("%q is not an absolute path", name), "write the program with its whole path; no shell and no search path is used")
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out := limited{left: maxKeyFile}
	cmd := exec.CommandContext(ctx, name, s.Command[1:]...) // #nosec G204 -- the operator names the program, by its whole path; no shell reads it
	cmd.Stdout = &out
	cmd.WaitDelay = time.Second
	endGroup(cmd)
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return material{}, noKey("", "the key command", fmt.Sprintf("%s did not end within %s", name, limit), "run it by hand to see what it waits for")
	case err != nil:
		return material{}, noKey("", "the key command", fmt.Sprintf("%s failed: %s", name, reason(err)), "run it by hand to see why")
	}
	key, err := parseKey(out.kept.Bytes())
	if err != nil {
		return material{}, noKey("", "the output of "+name, err.Error(), keyForm)
	}
	return material{key, kindCommand, name}, nil
}

// limited keeps the first bytes of what is written to it and fails a writer
// that has more. The buffer is not embedded: its ReadFrom would know no limit.
type limited struct {
	kept bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, fmt.Errorf("more than %d bytes of output", maxKeyFile)
	}
	l.left -= len(p)
	return l.kept.Write(p)
}

package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Program is a gateway to be started.
type Program struct {
	// Path and Args are what is run.
	Path string
	Args []string
	// Dir is where it runs. Default: here.
	Dir string
	// Log is the file its output is added to.
	Log string
}

// Start starts the program so that it outlives this process and the terminal. The
// channel tells when it ends, as long as this process is there to see it.
func (p Program) Start() (pid int, ended <-chan error, err error) {
	if err := os.MkdirAll(filepath.Dir(p.Log), 0o700); err != nil {
		return 0, nil, err
	}
	log, err := os.OpenFile(p.Log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 0, nil, err
	}
	defer log.Close()                      // the program has its own copy
	cmd := exec.Command(p.Path, p.Args...) // #nosec G204 -- the user asks for this very program; no shell reads it
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.Dir, log, log, detached()
	if err := cmd.Start(); err != nil {
		return 0, nil, fmt.Errorf("starting %s: %w", p.Path, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	return cmd.Process.Pid, done, nil
}

const (
	pollEvery = 50 * time.Millisecond
	// lateWinner is how long somebody else may take to listen after the program
	// ended: two launchers at once start two programs, of which one stays.
	lateWinner = time.Second
)

// ErrEnded says that the gateway ended before it was ready.
var ErrEnded = errors.New("aimux ended before it was ready")

// Await waits until the address is ready, for limit at most.
func Await(ctx context.Context, probe func(context.Context) (State, error), ended <-chan error, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("aimux is not ready after %s", limit))
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var lost <-chan time.Time
	for {
		if state, _ := probe(ctx); state == Ready {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			ended, lost = nil, time.After(lateWinner)
		case <-lost:
			return ErrEnded
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// maxTail is how much of a log Tail looks at.
const maxTail = 16 << 10

// Tail returns the last lines of a file.
func Tail(path string, lines int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxTail {
		_, _ = f.Seek(-maxTail, io.SeekEnd)
	}
	data, _ := io.ReadAll(io.LimitReader(f, maxTail))
	all := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

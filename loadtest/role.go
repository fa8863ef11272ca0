package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The processes that this program can be besides itself.
const (
	upstreamRole = "upstream"
	secureRole   = "secure"
	minimalRole  = "minimal"
)

// serveRole is such a process: it says its addresses in a line and serves until its input ends, which it does when the
// process that started it is gone, however that ended.
func serveRole(s settings, in io.Reader, out io.Writer) error {
	switch s.role {
	case upstreamRole:
		return serveUpstream(in, out)
	case minimalRole:
		return serveMinimal(s.to, s.ca, in, out)
	case secureRole:
		return serveSecure(in, out)
	}
	return fmt.Errorf("no role %q", s.role)
}

// startRole runs this program as something else and returns the addresses it says.
func (r *rig) startRole(cpus []int, arguments ...string) (*process, []string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	return r.startServer(exec.Command(self, arguments...), cpus)
}

// startServer runs a program that says its addresses in its first line and serves until its input ends.
func (r *rig) startServer(cmd *exec.Cmd, cpus []int) (*process, []string, error) {
	name := filepath.Base(cmd.Path)
	cmd.Env = []string{}
	// The pipe's writing end stays open for as long as this process lives.
	control, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer reader.Close()
	cmd.Stdout = writer
	p, err := spawn(cmd, cpus, filepath.Join(r.dir, fmt.Sprintf("%s-%d.log", name, logs.Add(1))))
	writer.Close()
	if err != nil {
		return nil, nil, err
	}
	line, err := bufio.NewReader(reader).ReadString('\n')
	said := strings.Fields(line)
	if err != nil || len(said) == 0 {
		p.stop()
		return nil, nil, fmt.Errorf("starting %s: it says %q: %w: %s", name, line, err, p.lastWords())
	}
	p.url, p.control = said[0], control
	return p, said, nil
}

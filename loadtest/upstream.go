package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aimux/aimux/caddymodule/simulator"
)

// serveUpstream is the provider's process: it writes its address as a line and serves until its input ends, which it
// does when the process that started it is gone, however that ended.
func serveUpstream(in io.Reader, out io.Writer) error {
	server := simulator.New(simulator.Options{MaxRecords: -1})
	listener, err := simulator.Start(server, simulator.ListenOptions{})
	if err != nil {
		return err
	}
	defer listener.Close()
	if _, err := fmt.Fprintln(out, listener.URL()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// startUpstream runs this program as the provider.
func (r *rig) startUpstream() (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-upstream")
	cmd.Env = []string{}
	// The pipe's writing end stays open, unused, for as long as this process lives.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	cmd.Stdout = writer
	p, err := spawn(cmd, r.others, filepath.Join(r.dir, "upstream.log"))
	writer.Close()
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("starting the provider: %w: %s", err, p.lastWords())
	}
	p.url = strings.TrimSpace(line)
	return p, nil
}

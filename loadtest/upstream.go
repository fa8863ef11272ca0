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

// origins is how many addresses the provider has. A gateway rightly takes providers at one address for the same thing
// and learns about their health together, so those that are to differ need addresses of their own.
const origins = 5

// serveUpstream is the provider's process: it writes its addresses as a line and serves until its input ends, which it
// does when the process that started it is gone, however that ended.
func serveUpstream(in io.Reader, out io.Writer) error {
	server := simulator.New(simulator.Options{MaxRecords: -1})
	var urls []string
	for range origins {
		listener, err := simulator.Start(server, simulator.ListenOptions{})
		if err != nil {
			return err
		}
		defer listener.Close()
		urls = append(urls, listener.URL())
	}
	if _, err := fmt.Fprintln(out, strings.Join(urls, " ")); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// startUpstream runs this program as the provider and notes its addresses in r.origins.
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
	r.origins = strings.Fields(line)
	if len(r.origins) != origins {
		p.stop()
		return nil, fmt.Errorf("starting the provider: it says %q", line)
	}
	p.url = r.origins[0]
	return p, nil
}

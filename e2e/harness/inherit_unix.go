//go:build unix

package harness

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Doorway is a listening socket that outlives the processes that serve it, as
// systemd holds one for a unit with a socket: what connects while nobody serves
// waits in the kernel's queue.
type Doorway struct {
	file *os.File
	// URL is where clients come in.
	URL string
	// base has what the processes share: a directory and a configuration.
	base Gateway
}

// NewDoorway opens a socket and prepares a directory for the processes to come.
// The Caddyfile of c binds fd/3.
func NewDoorway(t T, c Config) *Doorway {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("opening a socket: %v", err)
	}
	defer listener.Close() // the copy below stays
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatalf("copying a socket: %v", err)
	}
	t.Cleanup(func() { file.Close() })
	d := &Doorway{file: file, URL: "http://" + listener.Addr().String()}
	d.base = Gateway{Dir: t.TempDir(), URL: d.URL, Admin: "http://" + FreeAddr(t), config: c}
	if err := d.base.write(c); err != nil {
		t.Fatalf("writing a configuration: %v", err)
	}
	return d
}

// Serve starts a process on the socket and waits until it says that it serves:
// a request at the door would only wait in the queue. It ends with the test.
func (d *Doorway) Serve(t T) *Gateway {
	t.Helper()
	g := d.base
	g.client = &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256}}
	var err error
	if g.log, err = openLog(filepath.Join(t.TempDir(), "log")); err != nil {
		t.Fatalf("opening a log: %v", err)
	}
	bin, err := Binary()
	if err != nil {
		t.Fatalf("finding aimux: %v", err)
	}
	g.cmd = exec.Command(bin, "run", "--config", "Caddyfile")
	g.cmd.Dir, g.cmd.Env, g.cmd.ExtraFiles = g.Dir, g.environment(g.config), []*os.File{d.file}
	g.cmd.Stdout, g.cmd.Stderr = g.log.file, g.log.file
	g.begun, g.ended = time.Now(), make(chan struct{})
	if err := g.cmd.Start(); err != nil {
		t.Fatalf("starting aimux: %v", err)
	}
	go func() { g.err = g.cmd.Wait(); close(g.ended) }()
	t.Cleanup(func() { g.end(t) })
	if err := g.serving(); err != nil {
		t.Fatalf("starting aimux: %v", err)
	}
	return &g
}

// serving returns when the process has said that it serves.
func (g *Gateway) serving() error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(g.Log(), "serving initial configuration") {
			g.started = time.Since(g.begun)
			return nil
		}
		select {
		case <-g.ended:
			return errors.New("aimux ended:\n" + g.Log())
		default:
		}
	}
	return errors.New("aimux does not serve:\n" + g.Log())
}

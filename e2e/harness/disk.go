package harness

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Disk is a small file system of a gateway's own, which nobody else sees.
type Disk struct {
	// Dir is where the gateway finds it.
	Dir string
	gw  *Gateway
}

// DisksPossible says why StartOnDisk cannot work here; nil: it can. It takes
// Linux with mount namespaces that this user may make.
func DisksPossible() error {
	for _, tool := range []string{"unshare", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			return err
		}
	}
	out, err := exec.Command("unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// StartOnDisk is Start with a file system mounted at disk below the gateway's
// directory: options are those of mount for tmpfs, such as "size=256k".
func StartOnDisk(t T, c Config, options string) (*Gateway, *Disk) {
	t.Helper()
	bin, err := Binary()
	if err != nil {
		t.Fatalf("%v", err)
	}
	g := &Gateway{Dir: t.TempDir(), config: c}
	site, admin := FreeAddr(t), FreeAddr(t)
	g.URL, g.Admin = "http://"+site, "http://"+admin
	g.client = &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256}}
	disk := &Disk{Dir: filepath.Join(g.Dir, "disk"), gw: g}
	if err := os.Mkdir(disk.Dir, 0o700); err != nil {
		t.Fatalf("%v", err)
	}
	if err := g.write(c); err != nil {
		t.Fatalf("%v", err)
	}
	if g.log, err = openLog(filepath.Join(g.Dir, "log")); err != nil {
		t.Fatalf("%v", err)
	}
	g.cmd = exec.Command("unshare", "-rm", "sh", "-c",
		`mount -t tmpfs -o size=64m tmpfs disk && mount -o "remount,$1" disk && exec "$0" run --config Caddyfile`, bin, options)
	g.cmd.Dir, g.cmd.Env = g.Dir, g.environment(c)
	g.cmd.Stdout, g.cmd.Stderr = g.log.file, g.log.file
	g.begun, g.ended = time.Now(), make(chan struct{})
	if err := g.cmd.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	cmd, ended := g.cmd, g.ended
	go func() { g.err = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { g.end(t) })
	if err := g.await(); err != nil {
		t.Fatalf("%v", err)
	}
	return g, disk
}

// Remount changes the file system's options while the gateway runs.
func (d *Disk) Remount(t T, options string) {
	t.Helper()
	cmd := exec.Command("nsenter", "-t", fmt.Sprint(d.gw.Pid()), "-U", "-m", "--preserve-credentials", "mount", "-o", "remount,"+options, d.Dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("remounting with %s: %v: %s", options, err, out)
	}
}

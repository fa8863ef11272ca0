package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/filelock"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
)

// acceptAuditVariable names the environment variable that holds the last record
// of an audit log that is used on purpose although records are missing.
const acceptAuditVariable = "AIMUX_ACCEPT_AUDIT"

// auditHeads is a file that remembers where audit logs stood, by their
// directories: a log cannot show by itself that its end was cut off. It is in
// no backup, and a restore forgets what it is about to make untrue. Several
// processes may share it; what it says may lag behind a log, never lead.
type auditHeads struct{ path string }

// auditHeadsVersion is the version of the file's form.
const auditHeadsVersion = 1

type auditHeadsFile struct {
	Version int                   `json:"version"`
	Heads   map[string]audit.Head `json:"heads"`
}

// headsFile is where the heads of audit logs are remembered.
func headsFile() auditHeads { return auditHeads{place.File("audit-head.json")} }

// of returns what is remembered of the log in dir; the zero head if that is
// nothing.
func (h auditHeads) of(dir string) (audit.Head, error) {
	file, err := h.read()
	return file.Heads[absolute(dir)], err
}

func (h auditHeads) read() (auditHeadsFile, error) {
	var file auditHeadsFile
	data, err := os.ReadFile(h.path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err == nil {
		if err = json.Unmarshal(data, &file); err == nil && file.Version != auditHeadsVersion {
			err = fmt.Errorf("its version is %d, and this aimux knows %d", file.Version, auditHeadsVersion)
		}
	}
	if err != nil {
		return auditHeadsFile{}, fmt.Errorf("reading where the audit log stood: %s: %w; without this file the log is believed as it is", h.path, err)
	}
	return file, nil
}

// remember keeps a head of the log in dir.
func (h auditHeads) remember(dir string, head audit.Head) error {
	return h.change(func(all map[string]audit.Head) { all[absolute(dir)] = head })
}

// forget drops what is remembered of the log in dir, for another that is about
// to stand there on purpose.
func (h auditHeads) forget(dir string) error {
	if !place.Exists(h.path) {
		return nil
	}
	return h.change(func(all map[string]audit.Head) { delete(all, absolute(dir)) })
}

// change rewrites the file if something changes.
func (h auditHeads) change(do func(map[string]audit.Head)) error {
	if err := place.MakeParent(h.path); err != nil {
		return err
	}
	lock, err := filelock.Acquire(context.Background(), h.path+".lock", 2*time.Second)
	if err != nil {
		return err
	}
	defer lock.Release()
	file, err := h.read()
	if err != nil {
		return err
	}
	after := auditHeadsFile{auditHeadsVersion, maps.Clone(file.Heads)}
	if after.Heads == nil {
		after.Heads = map[string]audit.Head{}
	}
	if do(after.Heads); maps.Equal(file.Heads, after.Heads) {
		return nil
	}
	data, err := json.Marshal(after)
	if err != nil {
		return err
	}
	return schema.WriteAtomic(h.path, data)
}

// absolute is a path that does not depend on where the process runs.
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// openHeld opens an audit log and holds it against what is remembered of it.
func (a *auditor) openHeld(ctx context.Context) (*audit.Log, error) {
	seen, err := headsFile().of(a.dir) // before the log is read, which other processes lengthen
	if err != nil {
		return nil, err
	}
	options := audit.Options{Dir: a.dir, Key: a.key, Seen: seen, OnHead: a.onHead}
	log, err := audit.Open(ctx, options)
	var lacks *audit.RollbackError
	if !errors.As(err, &lacks) {
		return log, err
	}
	ends := strconv.FormatUint(lacks.Ends, 10)
	if os.Getenv(acceptAuditVariable) != ends {
		return nil, fmt.Errorf("%w: nothing is changed through aimux until this is cleared up; to go on with the log as it is, which it will say, start aimux once with %s=%s in its environment",
			err, acceptAuditVariable, ends)
	}
	options.AcceptRollback = true
	return audit.Open(ctx, options)
}

// onHead remembers where the log stood. If it cannot, the log goes on and the
// auditor's state tells of it.
func (a *auditor) onHead(head audit.Head) {
	if err := headsFile().remember(a.dir, head); err != nil {
		text := "where it stands cannot be remembered: " + err.Error()
		a.forgetful.Store(&text)
		return
	}
	a.forgetful.Store(nil)
}

// seenHead is what is remembered of the log; nothing if that cannot be read.
func (a *auditor) seenHead() audit.Head {
	head, _ := headsFile().of(a.dir) // an error keeps the log from being opened, which is told
	return head
}

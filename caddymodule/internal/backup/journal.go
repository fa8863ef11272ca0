package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/aimux/aimux/schema"
)

// journalName is the file, in the directory given to Swap, that says how far a
// change of files has come.
const journalName = "restore.journal"

// The states of a journal. Whatever a process dies in, Recover knows what to do.
const (
	preparing = "preparing" // the new files are being copied: give up, the old ones are in place
	swapping  = "swapping"  // the new files are whole: go on
	done      = "done"      // the new files are in place, the old ones beside them
	undoing   = "undoing"   // the old files are being put back: go on

	forgetting = "forgetting" // the old files are being deleted: go on
)

// journal is what is written down before anything is moved.
type journal struct {
	Version int       `json:"version"`
	State   string    `json:"state"`
	Made    time.Time `json:"made"`
	Steps   []step    `json:"steps"`
}

// step is what happens to one path.
type step struct {
	Path string `json:"path"`
	// Put says that a new file takes the path; without it the old one is taken away.
	Put bool `json:"put"`
	// Had says that a file was there before.
	Had bool `json:"had"`
}

// fresh and kept are where a step's new file waits and its old one stays: beside
// the path, so that a rename is enough.
func (s step) fresh() string { return beside(s.Path, "restore-new") }
func (s step) kept() string  { return beside(s.Path, "restore-old") }

func beside(path, end string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+end)
}

// readJournal returns nil if there is none.
func readJournal(dir string) (*journal, error) {
	data, err := os.ReadFile(filepath.Join(dir, journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var j journal
	if err := json.Unmarshal(data, &j); err != nil || j.Version != 1 {
		return nil, fmt.Errorf("%s is not a journal this version wrote; look at the files it names before removing it", filepath.Join(dir, journalName))
	}
	return &j, nil
}

// write puts the journal on the disk in a new state.
func (j *journal) write(dir, state string) error {
	j.Version, j.State = 1, state
	data, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	return schema.WriteAtomic(filepath.Join(dir, journalName), data)
}

// removeJournal ends a change.
func removeJournal(dir string) error {
	path := filepath.Join(dir, journalName)
	return errors.Join(remove(path), remove(path+"~"), syncDir(dir))
}

// remove deletes a file that may be gone already.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// syncDir puts renames in a directory on the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// syncAll syncs the directories of all steps, each once.
func syncAll(steps []step) error {
	var errs []error
	seen := map[string]bool{}
	for _, s := range steps {
		if dir := filepath.Dir(s.Path); !seen[dir] {
			seen[dir] = true
			errs = append(errs, syncDir(dir))
		}
	}
	return errors.Join(errs...)
}

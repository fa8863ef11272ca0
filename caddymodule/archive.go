package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/filelock"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/schema"
)

// archive keeps what was learned over a restart: rests, ladders, learned
// limits, latency and breakers, in a small file in Caddy's data directory. It
// lives in learned, so that it goes on over reloads, and is written every
// saveEvery and at the end.
//
// It holds what clients have spent, too, of which the ledger knows as much: see
// recall. So it is a convenience: a file that cannot be read is moved aside with a
// warning, one that cannot be written is tried again later. Of several processes
// with one data directory the first keeps the file; the others learn for
// themselves, say so, and take over when it ends.
type archive struct {
	path   string
	logger *slog.Logger
	saved  map[string]json.RawMessage // as read at the start
	unread error                      // why the file could not be read

	once sync.Once
	stop chan struct{} // nil until started
	done chan struct{}

	saving sync.Mutex     // held while the file is written
	lock   *filelock.Lock // nil: another process keeps the file

	trouble atomic.Pointer[string] // why nothing is saved; nil: it is
}

const (
	saveEvery      = 30 * time.Second
	archiveVersion = 1
	maxArchive     = 16 << 20
)

// archiveFile is the file's document. Its keys hold fingerprints of secrets,
// never secrets.
type archiveFile struct {
	Version int                        `json:"version"`
	Saved   time.Time                  `json:"saved"`
	Learned map[string]json.RawMessage `json:"learned"`
}

// lasting is a state that can be kept.
type lasting interface {
	Export(now time.Time) json.RawMessage
	Import(now time.Time, data json.RawMessage) error
}

// openArchive reads the file. It starts nothing: configurations are also
// provisioned only to be checked.
func openArchive(path string, logger *slog.Logger) *archive {
	a := &archive{path: path, logger: logger}
	file, err := readArchive(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		a.unread = err
	default:
		a.saved = file.Learned
	}
	return a
}

func readArchive(path string) (*archiveFile, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxArchive {
		return nil, errors.New("not a regular file of at most 16 MiB")
	}
	if err := schema.CheckOwner(info); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file archiveFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if file.Version != archiveVersion {
		return nil, errors.New("it is of another version of aimux")
	}
	return &file, nil
}

// restore gives a fresh state what was kept under its key. What is too old the
// state drops itself.
func (a *archive) restore(key string, state any) {
	s, ok := state.(lasting)
	data := a.saved[key]
	if !ok || data == nil {
		return
	}
	if err := s.Import(time.Now(), data); err != nil {
		a.logger.Warn("a part of what was learned before cannot be used", "error", err.Error())
	}
}

// start begins to write the file from time to time. Later calls do nothing.
func (a *archive) start() {
	a.once.Do(func() {
		a.stop, a.done = make(chan struct{}), make(chan struct{})
		a.begin()
		go a.run()
	})
}

func (a *archive) run() {
	defer close(a.done)
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.save()
		case <-a.stop:
			return
		}
	}
}

// begin claims the file at once, so that the first process that starts keeps it.
func (a *archive) begin() {
	a.saving.Lock()
	defer a.saving.Unlock()
	a.note(a.claim())
}

// claim takes the right to write the file, unless this process has it, and moves
// aside what could not be read.
func (a *archive) claim() error {
	if a.lock != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(a.path), 0o700); err != nil {
		return err
	}
	lock, err := filelock.Acquire(context.Background(), a.path+".lock", 0)
	if err != nil {
		return err
	}
	if err := a.moveAside(); err != nil {
		_ = lock.Release()
		return err
	}
	a.lock = lock
	return nil
}

// moveAside keeps what could not be read beside what will be written, each of
// several such files under its own name.
func (a *archive) moveAside() error {
	if a.unread == nil {
		return nil
	}
	aside := a.path + ".unreadable"
	if _, err := os.Lstat(aside); err == nil {
		aside += time.Now().UTC().Format("-20060102T150405.000")
	}
	if err := os.Rename(a.path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	a.logger.Warn("what was learned before cannot be read; it was moved aside, and budgets begin with what the ledger knows, at nothing without one", "file", a.path, "to", aside, "error", a.unread.Error())
	a.unread = nil
	return nil
}

// note remembers why nothing is saved, and says so when that changes.
func (a *archive) note(err error) {
	before := a.trouble.Load()
	switch {
	case err == nil && before != nil:
		a.trouble.Store(nil)
		a.logger.Info("what is learned is saved again", "file", a.path)
	case err != nil && (before == nil || *before != err.Error()):
		text := err.Error()
		a.trouble.Store(&text)
		a.logger.Warn("what is learned is not saved and ends with the process; it is tried again", "file", a.path, "every", saveEvery, "error", text)
	}
}

// state says how the archive is doing.
func (a *archive) state() telemetry.StoreState {
	s := telemetry.StoreState{Name: "learned"}
	if text := a.trouble.Load(); text != nil {
		s.Trouble = "what is learned is not saved: " + *text
	}
	return s
}

// save writes what all states export.
func (a *archive) save() {
	a.saving.Lock()
	defer a.saving.Unlock()
	err := a.claim()
	if err == nil {
		err = a.write(collect(time.Now()))
	}
	a.note(err)
}

// collect asks all states what is worth keeping.
func collect(now time.Time) *archiveFile {
	file := &archiveFile{Version: archiveVersion, Saved: now.UTC(), Learned: map[string]json.RawMessage{}}
	learned.Range(func(key, value any) bool {
		if holder, ok := value.(interface{ held() any }); ok {
			if s, ok := holder.held().(lasting); ok {
				if data := s.Export(now); data != nil {
					file.Learned[key.(string)] = data
				}
			}
		}
		return true
	})
	return file
}

func (a *archive) write(file *archiveFile) error {
	data, err := json.Marshal(file)
	if err != nil {
		return err
	}
	return schema.WriteAtomic(a.path, data)
}

// lastSave writes the file while the states are still there, if the archive was
// started.
func (a *archive) lastSave() {
	if a.stop != nil {
		a.save()
	}
}

// end stops what start started and lets another process have the file.
func (a *archive) end() {
	if a.stop == nil {
		return
	}
	close(a.stop)
	<-a.done
	_ = a.lock.Release()
}

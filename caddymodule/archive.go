package caddymodule

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
)

// archive keeps what was learned over a restart: rests, ladders, learned
// limits, latency and breakers, in a small file in Caddy's data directory. It
// lives in learned, so that it goes on over reloads, and is written every
// saveEvery and at the end.
//
// It is a convenience: a file that cannot be read is moved aside with a
// warning, one that cannot be written is tried again later.
type archive struct {
	path   string
	logger *slog.Logger
	saved  map[string]json.RawMessage // as read at the start

	once sync.Once
	stop chan struct{} // nil until started
	done chan struct{}
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

func archivePath() string { return filepath.Join(caddy.AppDataDir(), "aimux", "state.json") }

// openArchive reads the file. It starts nothing: configurations are also
// provisioned only to be checked.
func openArchive(path string, logger *slog.Logger) *archive {
	a := &archive{path: path, logger: logger}
	file, err := readArchive(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		aside := path + ".unreadable"
		logger.Warn("what was learned before cannot be read; it is moved aside", "file", path, "to", aside, "error", err.Error())
		_ = os.Rename(path, aside)
	default:
		a.saved = file.Learned
	}
	return a
}

func readArchive(path string) (*archiveFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxArchive {
		return nil, errors.New("not a regular file of at most 16 MiB")
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

// save writes what all states export.
func (a *archive) save() {
	now := time.Now()
	file := archiveFile{Version: archiveVersion, Saved: now.UTC(), Learned: map[string]json.RawMessage{}}
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
	if err := a.write(&file); err != nil {
		a.logger.Warn("what was learned cannot be saved", "file", a.path, "error", err.Error())
	}
}

func (a *archive) write(file *archiveFile) error {
	data, err := json.Marshal(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(a.path), 0o700); err != nil {
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

// end stops what start started.
func (a *archive) end() {
	if a.stop == nil {
		return
	}
	close(a.stop)
	<-a.done
}

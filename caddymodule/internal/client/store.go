package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/filelock"
	"github.com/aimux/aimux/schema"
)

// Store is the clients that aimux made, in one file. Every change is on disk, whole,
// before it counts; other processes may change the file too, one at a time.
type Store struct {
	path string
	hash *hasher
	key  []byte // seals the file
	now  func() time.Time
	// patience is how long to wait for another process that holds the lock.
	patience time.Duration

	current atomic.Pointer[contents]
	guards  atomic.Bool // what Guard said
	mu      sync.Mutex  // of everything below, and of changing current
	seen    fs.FileInfo
}

// contents is what a store's file holds. It never changes.
type contents struct {
	generation uint64 // grows by one with every change; 0: no file yet
	rows       []row
	teams      []Team
}

// row is a client with what proves it.
type row struct {
	Record
	digest   digest
	previous digest // the token before the last rotation; zero: none
}

// Format writes the client's name, whatever the verb: fmt would print the digests.
func (r row) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "[client %q]", r.Name) }

// Format writes where the store is and nothing of what it holds, whatever the verb.
func (s *Store) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "[clients of %s]", s.path) }

// maxClients bounds the number of clients in a store.
const maxClients = 100_000

// maxGrace bounds how long a replaced token still works.
const maxGrace = 90 * 24 * time.Hour

var (
	// ErrNoClient says that there is no client, or team, with that id.
	ErrNoClient = errors.New("no such client")
	// ErrSeal says that a store was changed by hand, or sealed under another pepper.
	ErrSeal = errors.New("the seal does not fit: the file was changed, or it was made with another pepper (vault); restore it, or the one beside it that ends in ~")
	// ErrRolledBack says that a store is older than what this process has seen.
	ErrRolledBack = errors.New("the file is older than it was before: it was replaced by a former one; revoked keys may have come back")
)

// OpenStore reads the store at path. There need not be a file yet; the first
// Create makes it. A file that is not as aimux wrote it is refused, never
// replaced. now is the clock; nil is time.Now.
func OpenStore(path string, pepper []byte, now func() time.Time) (*Store, error) {
	pepper, err := checkPepper(pepper)
	if err != nil {
		return nil, err
	}
	key, err := sealKey(pepper)
	if err != nil {
		return nil, fmt.Errorf("deriving the key that seals %s: %w", path, err)
	}
	if now == nil {
		now = time.Now
	}
	s := &Store{path: path, hash: newHasher(pepper), key: key, now: now, patience: 3 * time.Second}
	s.current.Store(new(contents))
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.reload()
}

// Guard says that the store's keys are asked for from now on, until the process
// ends: the store may lose its last client then, and nobody gets in.
func (s *Store) Guard() { s.guards.Store(true) }

// Guards reports whether keys are to be asked for: there are clients, or there
// were when Guard was called.
func (s *Store) Guards() bool { return s.guards.Load() || len(s.current.Load().rows) > 0 }

// Reload takes up the file if another process has changed it, and reports whether
// it had. After an error the clients are as they were. It costs one stat if
// nothing changed.
func (s *Store) Reload() (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.path)
	if err == nil && s.seen != nil && os.SameFile(info, s.seen) &&
		info.ModTime().Equal(s.seen.ModTime()) && info.Size() == s.seen.Size() {
		return false, nil
	}
	before := s.current.Load().generation
	err = s.reload()
	return err == nil && s.current.Load().generation != before, err
}

// reload makes the file current.
func (s *Store) reload() error {
	c, info, err := s.read()
	if err != nil {
		return err
	}
	s.seen = info
	if c.generation != s.current.Load().generation {
		s.current.Store(c)
	}
	return nil
}

// read reads the file and compares it with what was current.
func (s *Store) read() (*contents, fs.FileInfo, error) {
	data, info, err := readFile(s.path)
	c, known := new(contents), s.current.Load().generation
	switch {
	case errors.Is(err, fs.ErrNotExist) && known == 0:
		return c, nil, nil
	case err == nil:
		c, err = decode(data, s.key)
	}
	if err == nil && c.generation < known {
		err = ErrRolledBack
	}
	if err != nil {
		return nil, nil, fmt.Errorf("client keys in %s: %w", s.path, err)
	}
	return c, info, nil
}

// change makes edit's changes to the newest contents durable, and then current.
func (s *Store) change(edit func(*contents) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return fmt.Errorf("client keys: making the directory: %w", err)
	}
	lock, err := filelock.Acquire(context.Background(), s.path+".lock", s.patience)
	if err != nil {
		return fmt.Errorf("client keys: %w", err)
	}
	defer lock.Release()
	if err := s.reload(); err != nil {
		return err
	}
	next := s.current.Load().clone()
	if err := edit(next); err != nil {
		return err
	}
	next.generation++
	data, err := encode(next, s.key)
	if err != nil {
		return fmt.Errorf("client keys: %w", err)
	}
	if err := schema.WriteAtomic(s.path, data); err != nil {
		return fmt.Errorf("client keys: %w", err)
	}
	s.current.Store(next)
	s.seen, _ = os.Stat(s.path) // at worst, the file is read once more
	return nil
}

func (c *contents) clone() *contents {
	next := &contents{generation: c.generation, rows: slices.Clone(c.rows), teams: slices.Clone(c.teams)}
	for i := range next.rows {
		next.rows[i].Record = next.rows[i].Record.clone()
	}
	return next
}

// find returns the row with that id.
func (c *contents) find(id string) (*row, error) {
	i := slices.IndexFunc(c.rows, func(r row) bool { return r.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("client %q: %w", id, ErrNoClient)
	}
	return &c.rows[i], nil
}

// check refuses contents that cannot be.
func (c *contents) check() error {
	if len(c.rows) > maxClients || len(c.teams) > maxClients {
		return fmt.Errorf("more than %d clients or teams", maxClients)
	}
	ids, names, digests := map[string]bool{}, map[string]bool{}, map[digest]bool{{}: true}
	for _, r := range c.rows {
		if err := r.Record.Validate(); err != nil {
			return fmt.Errorf("client %q: %w", r.ID, err)
		}
		name := strings.ToLower(r.Name)
		if !isID(r.ID) || ids[r.ID] || names[name] {
			return fmt.Errorf("client %q, named %q: there is one of that id or name already", r.ID, r.Name)
		}
		if digests[r.digest] || !r.previous.zero() && digests[r.previous] {
			return fmt.Errorf("client %q: its token is empty or another's", r.ID)
		}
		ids[r.ID], names[name], digests[r.digest], digests[r.previous] = true, true, true, true
	}
	teams := map[string]bool{}
	for _, t := range c.teams {
		if err := t.Validate(); err != nil {
			return err
		}
		if teams[t.Name] {
			return fmt.Errorf("team %q: there are two of that name", t.Name)
		}
		teams[t.Name] = true
	}
	return nil
}

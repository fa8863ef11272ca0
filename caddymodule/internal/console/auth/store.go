package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/aimux/aimux/schema"
)

// Bounds of the users file.
const (
	fileVersion  = 1
	maxFileBytes = 1 << 20
	maxUsers     = 1000
)

// record is a user with what must not be shown.
type record struct {
	User
	hash hash
	// serial changes with every password, so that older sessions end.
	serial uint64
}

// table is the contents of the users file. It is replaced whole, never changed
// in place, once it is in the store.
type table struct {
	Generation uint64 // counts changes; zero: no password was ever set
	users      map[string]record
}

func (t *table) put(u record) {
	u.serial = t.Generation + 1
	t.users[u.Name] = u
}

func (t *table) admins() (n int) {
	for _, u := range t.users {
		if u.Role == Admin {
			n++
		}
	}
	return n
}

// store keeps the users file and its contents.
type store struct {
	path string

	write sync.Mutex // held while the file is being changed

	mu      sync.RWMutex // guards what follows
	table   table
	seen    stamp
	checked time.Time
}

// stamp tells one state of the file from another.
type stamp struct {
	modified time.Time
	size     int64
}

func (s *store) virgin() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.table.Generation == 0
}

func (s *store) find(name string) (record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, ok := s.table.users[name]
	return u, ok
}

func (s *store) users() []User {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]User, 0, len(s.table.users))
	for _, name := range slices.Sorted(maps.Keys(s.table.users)) {
		out = append(out, s.table.users[name].User)
	}
	return out
}

// refresh reads the file again if another process changed it, looking at most
// once a second. A file that went away or went bad changes nothing.
func (s *store) refresh(now time.Time) {
	s.mu.Lock()
	soon := now.Sub(s.checked)
	if soon >= 0 && soon < time.Second {
		s.mu.Unlock()
		return
	}
	s.checked = now
	seen := s.seen
	s.mu.Unlock()
	if info, err := os.Stat(s.path); err == nil && stampOf(info) != seen {
		s.write.Lock()
		defer s.write.Unlock()
		_ = s.load()
	}
}

func stampOf(i fs.FileInfo) stamp { return stamp{i.ModTime(), i.Size()} }

// load reads the file into the store. No file is an empty table.
func (s *store) load() error {
	t, seen, err := readTable(s.path)
	if err != nil {
		return fmt.Errorf("console users: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Generation == 0 && s.table.Generation > 0 {
		return nil // a file that vanished does not open the development login again
	}
	s.table, s.seen = t, seen
	return nil
}

// update changes a copy of the table and puts it in the file, then in place. It
// holds a lock against other processes and starts from what the file says now.
func (s *store) update(change func(*table) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	unlock, err := lockFile(s.path + ".lock")
	if err != nil {
		return fmt.Errorf("console users: %w", err)
	}
	defer unlock()
	if err := s.load(); err != nil {
		return err
	}
	s.mu.RLock()
	t := table{Generation: s.table.Generation, users: maps.Clone(s.table.users)}
	s.mu.RUnlock()
	if t.users == nil {
		t.users = map[string]record{}
	}
	if err := change(&t); err != nil {
		return err
	}
	if len(t.users) > maxUsers {
		return &RuleError{"user", fmt.Sprintf("there are %d users already", maxUsers)}
	}
	if len(t.users) == 0 {
		return ErrLastAdmin
	}
	t.Generation++
	return s.save(t)
}

func (s *store) save(t table) error {
	data, err := encodeTable(t)
	if err != nil {
		return fmt.Errorf("console users: %w", err)
	}
	if err := schema.WriteAtomic(s.path, data); err != nil {
		return fmt.Errorf("console users: %w", err)
	}
	_ = os.Remove(s.path + "~") // passwords that were replaced are of no use to anybody
	info, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("console users: %w", err)
	}
	s.mu.Lock()
	s.table, s.seen = t, stampOf(info)
	s.mu.Unlock()
	return nil
}

// The file's form.
type (
	fileTable struct {
		Version    int       `json:"version"`
		Generation uint64    `json:"generation"`
		Users      []fileRow `json:"users"`
	}
	fileRow struct {
		User      string    `json:"user"`
		Role      string    `json:"role"`
		Hash      string    `json:"hash"`
		Serial    uint64    `json:"serial"`
		Created   time.Time `json:"created"`
		LastLogin time.Time `json:"last_login,omitzero"`
	}
)

func encodeTable(t table) ([]byte, error) {
	out := fileTable{Version: fileVersion, Generation: t.Generation}
	for _, name := range slices.Sorted(maps.Keys(t.users)) {
		u := t.users[name]
		out.Users = append(out.Users, fileRow{name, u.Role.String(), u.hash.encode(), u.serial, u.Created, u.LastLogin})
	}
	data, err := json.MarshalIndent(out, "", "\t")
	return append(data, '\n'), err
}

func readTable(path string) (table, stamp, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return table{}, stamp{}, nil
	}
	// Looked at first, so that a pipe in its place cannot keep the opening waiting.
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return table{}, stamp{}, fmt.Errorf("%s is a symbolic link that leads nowhere", path)
	}
	if err == nil {
		err = private(path, info)
	}
	if err != nil {
		return table{}, stamp{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return table{}, stamp{}, err
	}
	defer f.Close()
	if info, err = f.Stat(); err == nil {
		err = private(path, info)
	}
	if err != nil {
		return table{}, stamp{}, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return table{}, stamp{}, err
	}
	t, err := decodeTable(data)
	if err != nil {
		return table{}, stamp{}, fmt.Errorf("%s: %w", path, err)
	}
	return t, stampOf(info), nil
}

// private refuses files that are no files or that others may read.
func private(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if ownerOnly && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s may be read by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	if err := schema.CheckOwner(info); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func decodeTable(data []byte) (table, error) {
	if len(data) > maxFileBytes {
		return table{}, fmt.Errorf("longer than %d bytes", maxFileBytes)
	}
	var in fileTable
	if err := json.Unmarshal(data, &in); err != nil {
		return table{}, fmt.Errorf("it is not whole: %w; restore it from a backup", err)
	}
	if in.Version != fileVersion {
		return table{}, fmt.Errorf("version %d; this aimux knows version %d", in.Version, fileVersion)
	}
	if len(in.Users) == 0 || len(in.Users) > maxUsers || in.Generation == 0 {
		return table{}, errors.New("not a users file: no users, too many, or no generation")
	}
	t := table{Generation: in.Generation, users: make(map[string]record, len(in.Users))}
	for i, row := range in.Users {
		u, err := row.record()
		if err != nil {
			return table{}, fmt.Errorf("user %d: %w", i+1, err)
		}
		if _, twice := t.users[u.Name]; twice {
			return table{}, fmt.Errorf("user %d: %q stands there twice", i+1, u.Name)
		}
		t.users[u.Name] = u
	}
	return t, nil
}

func (row fileRow) record() (record, error) {
	if err := checkName(row.User); err != nil {
		return record{}, err
	}
	role, err := ParseRole(row.Role)
	if err != nil {
		return record{}, err
	}
	h, err := parseHash(row.Hash)
	if err != nil {
		return record{}, err
	}
	return record{User: User{row.User, role, row.Created, row.LastLogin}, hash: h, serial: row.Serial}, nil
}

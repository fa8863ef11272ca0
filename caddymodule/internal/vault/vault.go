// Package vault keeps provider keys in one file, sealed.
//
// A keystore is a JSON file whose secrets are sealed with AES-256-GCM by a
// data key (DEK), which is sealed in turn by the key-encryption key (KEK) that
// lives elsewhere: see [KeySource]. Each secret is bound to the keystore, to
// its record, to the record's version and to the origin it may be sent to.
// The file ends in an HMAC of all its bytes and counts its generations, so
// that damage, editing and, for a caller who remembers a [Mark], an older
// copy are noticed.
//
// [Init] makes a keystore and [Open] opens it. A wrong KEK is an error and
// never a reason to make a new one. Secrets stay sealed in memory; [Vault.Get]
// opens one at a time, which costs about a microsecond. Every change takes a
// lock that other processes respect, starts from what is on disk, is read
// back before it counts, and leaves the previous file beside the new one.
//
// What this protects: copies, backups and disks that end up elsewhere without
// the KEK. What it does not: root on the running machine, or anybody who can
// read the memory of the process.
package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/filelock"
	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// Options says where a keystore is and how it is opened.
type Options struct {
	// Path is the keystore file.
	Path string
	// Key says where the KEK may be found.
	Key KeySource
	// Apart lists directories a new key file must not lie in or below, beside
	// the keystore's own: the configuration's. Default: none.
	Apart []string
	// Seen is what the caller remembers of the keystore; an older one is
	// refused. Default: nothing is remembered.
	Seen Mark
	// LockWait is how long a change waits for another process. Default: 2s.
	LockWait time.Duration
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

func (o *Options) defaults() {
	if o.LockWait == 0 {
		o.LockWait = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Vault is an open keystore. It is safe for concurrent use; reading never
// waits for a change.
type Vault struct {
	opts  Options
	mu    sync.Mutex // one change at a time
	state atomic.Pointer[state]
}

// Mark is what somebody remembers of a keystore to notice an older or another
// one later, for example in the audit log. The zero Mark remembers nothing.
type Mark struct {
	Generation uint64 `json:"generation"`
	Sum        string `json:"sum"`
}

// Open opens the keystore. The error is [ErrMissing] if there is none; then
// somebody must call [Init] on purpose.
func Open(ctx context.Context, opts Options) (*Vault, error) {
	opts.defaults()
	v := &Vault{opts: opts}
	s, err := v.read(ctx, nil, false)
	if err != nil {
		return nil, fmt.Errorf("opening the keystore: %w", err)
	}
	if err := opts.Seen.check(s); err != nil {
		return nil, fmt.Errorf("opening the keystore: %w", at(opts.Path, err))
	}
	v.state.Store(s)
	return v, nil
}

// read reads and verifies the file. The KEK of known is tried first, if there
// is one. locked says whether the caller holds the lock.
func (v *Vault) read(ctx context.Context, known *keyset, locked bool) (*state, error) {
	path := v.opts.Path
	data, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{Kind: ErrMissing, Path: path, Problem: "there is no keystore here", Mend: "make one with: aimux vault init"}
	case err != nil:
		return nil, &Error{Kind: ErrDamaged, Path: path, Problem: "it cannot be read: " + reason(err)}
	}
	d, err := parse(data)
	if err != nil {
		return nil, at(path, err)
	}
	if known != nil && known.store != d.ID {
		return nil, &Error{Kind: ErrForked, Path: path, Problem: "another keystore was put in the place of the one that was open", Mend: "restart aimux if this is on purpose"}
	}
	if known == nil || known.id != d.KEKID {
		if known, err = v.unlock(ctx, d, locked); err != nil {
			return nil, at(path, err)
		}
	}
	s, err := load(d, known)
	return s, at(path, err)
}

// unlock finds the KEK of a document.
func (v *Vault) unlock(ctx context.Context, d *document, locked bool) (*keyset, error) {
	found, err := v.materials(ctx, d)
	if err != nil {
		return nil, err
	}
	var tried []*keyset
	for _, m := range found {
		k, err := newKeyset(m, d.ID)
		if err != nil {
			return nil, err
		}
		if k.id == d.KEKID {
			return k, v.settle(ctx, k, locked)
		}
		tried = append(tried, k)
	}
	return nil, wrongKey(d, tried)
}

func (v *Vault) materials(ctx context.Context, d *document) ([]material, error) {
	if d.KDF.Name == kdfArgon2 {
		return one(v.opts.Key.ask(ctx, d.KDF))
	}
	return v.opts.Key.find(ctx)
}

// settle ends a change of keys that a crash cut short: the keystore is sealed
// with the pending key already.
func (v *Vault) settle(ctx context.Context, k *keyset, locked bool) error {
	path := v.opts.Key.KeyFile
	if k.kind != kindKeyFile || k.where != pending(path) {
		return nil
	}
	if !locked {
		lock, err := v.lock(ctx)
		if err != nil {
			return err
		}
		defer lock.Release()
	}
	k.where = path
	return promote(path, k.kek)
}

func (v *Vault) lock(ctx context.Context) (*filelock.Lock, error) {
	return filelock.Acquire(ctx, v.opts.Path+".lock", v.opts.LockWait)
}

// wrongKey says that no key opens the document, or, if one opens a data key
// all the same, that the name of the key was damaged.
func wrongKey(d *document, tried []*keyset) error {
	for _, k := range tried {
		if _, err := d.unwrapRoot(k); err == nil {
			return damaged("kek_id", "it was changed: the key opens the keystore although its name differs")
		}
	}
	e := &Error{Kind: ErrWrongKey, Mend: "bring back the key this keystore was made with; aimux never makes a new one for it"}
	k := tried[0]
	switch {
	case k.kind == kindPassphrase:
		e.Problem, e.Mend = "the passphrase is wrong", "try again; if you are sure of it, the part named kdf of the file was damaged: restore the file from a backup"
	default:
		e.Problem = fmt.Sprintf("the key from the %s %s is not the one it was sealed with (that came from a %.40s)", k.kind, k.where, d.KEKSource)
	}
	return e
}

// Get opens the secret of a key, which must be enabled and belong to the
// origin the caller is about to send it to.
func (v *Vault) Get(id string, origin Origin) (secret.Text, error) {
	e := v.state.Load().index[id]
	switch {
	case e == nil:
		return secret.Text{}, notFound(id)
	case !e.Enabled:
		return secret.Text{}, &Error{Kind: ErrDisabled, Where: recordName(id), Problem: "the key is disabled", Mend: "enable it with: aimux keys enable " + id}
	case e.Origin != origin:
		return secret.Text{}, &Error{
			Kind: ErrOrigin, Where: recordName(id), Problem: fmt.Sprintf("the key was stored for %s and is not given to %.300s", e.Origin, origin),
			Mend: "if the provider has moved, remove the key and add it again",
		}
	}
	return e.open()
}

func notFound(id string) error {
	return &Error{Kind: ErrNotFound, Where: recordName(id), Problem: "the keystore has no such key", Mend: "store it with: aimux keys add"}
}

// Reload reads the file again if it changed on disk and says whether it did. An
// error leaves what was open as it was.
func (v *Vault) Reload(ctx context.Context) (changed bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	before := v.state.Load()
	now, err := v.refresh(ctx, false)
	if err != nil {
		return false, fmt.Errorf("reloading the keystore: %w", err)
	}
	return now.sum != before.sum, nil
}

// refresh makes what is on disk the state, unless it is older. The caller
// holds the mutex, and perhaps the lock.
func (v *Vault) refresh(ctx context.Context, locked bool) (*state, error) {
	old := v.state.Load()
	s, err := v.read(ctx, old.keys, locked)
	if err != nil {
		return nil, err
	}
	if s.sum == old.sum {
		return old, nil
	}
	if err := old.mark().check(s); err != nil {
		return nil, at(v.opts.Path, err)
	}
	v.state.Store(s)
	return s, nil
}

// AtLeast returns an error, which is ErrRolledBack or ErrForked, if the keystore
// is older than what somebody remembers of it, or has another history.
func (v *Vault) AtLeast(m Mark) error { return at(v.opts.Path, m.check(v.state.Load())) }

// check says whether a keystore is at least as new as what is remembered.
func (m Mark) check(s *state) error {
	have := s.mark()
	switch {
	case have.Generation < m.Generation:
		return &Error{
			Kind: ErrRolledBack, Where: "generation", Problem: fmt.Sprintf("it is %d, and %d was seen before: an older copy was put in its place", have.Generation, m.Generation),
			Mend: "restore the newest file; if the older one is wanted, say so when opening it",
		}
	case have.Generation == m.Generation && m.Sum != "" && m.Sum != have.Sum:
		return &Error{
			Kind: ErrForked, Where: "generation", Problem: fmt.Sprintf("it is %d, as was seen before, with other contents: two copies were changed apart", have.Generation),
			Mend: "restore the file that was in use; if this one is wanted, say so when opening it",
		}
	}
	return nil
}

// dir returns the directory of the keystore.
func (v *Vault) dir() string { return filepath.Dir(v.opts.Path) }

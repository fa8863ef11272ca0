package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Init makes a new, empty keystore, and a new key file if the key source is a
// key file that is not there. It never replaces a keystore.
func Init(ctx context.Context, opts Options) (*Vault, error) {
	opts.defaults()
	v := &Vault{opts: opts}
	if err := v.init(ctx); err != nil {
		return nil, fmt.Errorf("making a keystore: %w", err)
	}
	return v, nil
}

func (v *Vault) init(ctx context.Context) error {
	if err := os.MkdirAll(v.dir(), 0o700); err != nil {
		return err
	}
	lock, err := v.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	if _, err := os.Lstat(v.opts.Path); !errors.Is(err, fs.ErrNotExist) {
		return &Error{Kind: ErrExists, Path: v.opts.Path, Problem: "there is a keystore here already", Mend: "open it, or choose another path"}
	}
	m, k, err := v.fresh(ctx, v.opts.Key, "")
	if err != nil {
		return err
	}
	d, keys, err := newDocument(m, k, v.now())
	if err != nil {
		return err
	}
	return v.commit(d, keys)
}

// fresh gets the KEK that a keystore is about to be sealed with, from the
// first source there is. A key file that is not there, or still holds the key
// with the id current, gets a new key: at first beside it if it replaces one.
func (v *Vault) fresh(ctx context.Context, s KeySource, current string) (material, kdf, error) {
	none := kdf{Name: kdfNone}
	if path, ok := s.credential(); ok {
		m, err := readCredential(path)
		return m, none, err
	}
	if s.KeyFile != "" {
		m, err := v.freshKeyFile(s.KeyFile, current)
		return m, none, err
	}
	if s.Passphrase != nil {
		k := newKDF()
		m, err := s.askNew(ctx, k)
		return m, k, err
	}
	found, err := s.find(ctx)
	if err != nil {
		return material{}, none, err
	}
	return found[0], none, nil
}

func (v *Vault) freshKeyFile(path, current string) (material, error) {
	if err := apart(path, append([]string{v.dir()}, v.opts.Apart...)); err != nil {
		return material{}, err
	}
	key, err := readKeyFile(path, true)
	switch {
	case errors.Is(err, fs.ErrNotExist) && current == "":
		return newKeyFile(path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return material{}, err
	case err == nil && current == "":
		return material{key, kindKeyFile, path}, nil
	case err == nil:
		m := material{key, kindKeyFile, path}
		if k, err := newKeyset(m, v.state.Load().doc.ID); err != nil || k.id != current {
			return m, err
		}
	}
	_ = os.Remove(pending(path)) // of a change that was given up
	m, err := newKeyFile(pending(path))
	m.where = path
	return m, err
}

// newDocument returns a keystore without records.
func newDocument(m material, k kdf, now time.Time) (*document, *keyset, error) {
	d := &document{
		Format: formatName, Version: formatVersion, ID: randomID(16), Created: now,
		KDF: k, Records: []record{},
	}
	keys, err := newKeyset(m, d.ID)
	if err != nil {
		return nil, nil, err
	}
	key, _ := newDEK(d.ID, keys, now)
	d.DEKs = []dek{key}
	d.seal(keys, randomBytes(keyBytes))
	return d, keys, nil
}

// seal names the KEK in the document and seals the root with it.
func (d *document) seal(k *keyset, root []byte) {
	d.KEKID, d.KEKSource = k.id, k.kind
	d.Root = k.wrap.Seal(nil, nil, root, bindRoot(d.ID))
}

// Promise says in plain words what a keystore protects and what it does not,
// for the first run to print.
func (v *Vault) Promise() string {
	k := v.state.Load().keys
	key := "The key that opens it is a " + k.kind
	if k.where != "" {
		key += ": " + k.where
	}
	return "The provider keys are sealed in " + v.opts.Path + ".\n" +
		key + ".\n" +
		"Keep a copy of both, apart from each other. Without the key, nobody can open the keystore: not a thief, and not you.\n" +
		"This protects copies, backups and disks that end up elsewhere. It does not protect against root on this machine,\n" +
		"nor against anybody who can read both files or the memory of aimux while it runs.\n"
}

func (v *Vault) now() time.Time { return v.opts.Now().UTC().Truncate(time.Second) }

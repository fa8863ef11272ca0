package vault

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// When a data key is due to be replaced. Random nonces of 96 bits are safe for
// 2^32 texts (NIST SP 800-38D, 8.3); this stays far below.
const (
	maxSeals = 1 << 20
	maxAge   = 365 * 24 * time.Hour
)

func (k *dek) due(now time.Time) bool { return k.Seals >= maxSeals || now.Sub(k.Created) >= maxAge }

// newDEK returns a fresh data key, sealed for the file and ready for use.
func newDEK(store string, k *keyset, now time.Time) (dek, cipher.AEAD) {
	key := randomBytes(keyBytes)
	aead, err := newAEAD(key)
	if err != nil {
		panic(err) // aes.NewCipher takes every key of 32 bytes
	}
	d := dek{ID: randomID(8), Created: now, Active: true}
	d.Sealed = k.wrap.Seal(nil, nil, key, bindDEK(store, d.ID))
	return d, aead
}

// RotateDEK seals every secret anew with a fresh data key. It also happens by
// itself, with the first change after 2^20 seals or a year.
func (v *Vault) RotateDEK(ctx context.Context) error {
	err := v.change(ctx, func(e *edit) error {
		if e.active().ID != e.fromActive() {
			return nil // it was due, and has just been renewed
		}
		return e.renewDEK()
	})
	if err != nil {
		return fmt.Errorf("renewing the data key: %w", at(v.opts.Path, err))
	}
	return nil
}

// fromActive returns the id of the data key that was active before the change.
func (e *edit) fromActive() string {
	before := edit{doc: e.from.doc}
	return before.active().ID
}

// renewDEK makes a data key the only one.
func (e *edit) renewDEK() error {
	key, aead := newDEK(e.doc.ID, e.keys, e.now)
	e.doc.DEKs, e.aead = []dek{key}, aead
	for i := range e.doc.Records {
		r := &e.doc.Records[i]
		text, err := e.from.index[r.ID].open()
		if err != nil {
			return err
		}
		e.sealAs(r, text)
	}
	return nil
}

// RotateKEK seals the data keys with another KEK, which it gets from the first
// source of to. A key file gets a fresh key; one that holds another key than
// now is taken as it is. From then on the keystore is opened with to. The
// secrets are not sealed anew: after a theft of file and key, rotate the data
// key too, and the provider keys themselves.
func (v *Vault) RotateKEK(ctx context.Context, to KeySource) error {
	if err := v.rotateKEK(ctx, to); err != nil {
		return fmt.Errorf("changing the key of the keystore: %w", at(v.opts.Path, err))
	}
	return nil
}

func (v *Vault) rotateKEK(ctx context.Context, to KeySource) error {
	var next *keyset
	err := v.change(ctx, func(e *edit) (err error) {
		next, err = v.rewrap(ctx, e, to)
		return err
	})
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.opts.Key = to
	if next.kind != kindKeyFile {
		return nil
	}
	lock, err := v.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	return promote(to.KeyFile, next.kek)
}

// rewrap gets the new KEK and seals the data keys and the root with it.
func (v *Vault) rewrap(ctx context.Context, e *edit, to KeySource) (*keyset, error) {
	m, k, err := v.fresh(ctx, to, e.doc.KEKID)
	if err != nil {
		return nil, err
	}
	next, err := newKeyset(m, e.doc.ID)
	if err != nil {
		return nil, err
	}
	if next.id == e.doc.KEKID {
		return nil, invalid("the new key", "it is the one in use")
	}
	for i := range e.doc.DEKs {
		d := &e.doc.DEKs[i]
		key, err := e.keys.wrap.Open(nil, nil, d.Sealed, bindDEK(e.doc.ID, d.ID))
		if err != nil {
			return nil, damaged("deks", "the data key does not open")
		}
		d.Sealed = next.wrap.Seal(nil, nil, key, bindDEK(e.doc.ID, d.ID))
	}
	e.doc.KDF, e.keys = k, next
	e.doc.seal(next, e.from.root)
	return next, nil
}

// DropPrevious removes the previous keystore and the previous key file, once
// nobody will want to go back to them.
func (v *Vault) DropPrevious(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	lock, err := v.lock(ctx)
	if err != nil {
		return fmt.Errorf("dropping the previous keystore: %w", err)
	}
	defer lock.Release()
	var errs []error
	for _, path := range []string{v.opts.Path, v.opts.Key.KeyFile} {
		if err := os.Remove(path + "~"); path != "" && err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("dropping the previous keystore: %w", err))
		}
	}
	return errors.Join(errs...)
}

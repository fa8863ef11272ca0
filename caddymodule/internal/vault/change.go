package vault

import (
	"bytes"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// Add stores a new key under an id that is free. The origin is the address the
// secret may be sent to; it cannot be changed later. The name is for people.
func (v *Vault) Add(ctx context.Context, id string, origin Origin, name string, s secret.Text) (Info, error) {
	parsed, err := ParseOrigin(string(origin))
	err = errors.Join(checkID(id), checkName(name), err)
	if err == nil {
		err = v.change(ctx, func(e *edit) error {
			return e.insert(record{ID: id, Origin: parsed, Name: name, Enabled: true, Created: e.now}, s)
		})
	}
	return v.outcome("adding", id, err)
}

// Rotate replaces the secret of a key. Name, origin and state stay.
func (v *Vault) Rotate(ctx context.Context, id string, s secret.Text) (Info, error) {
	err := v.change(ctx, func(e *edit) error {
		r, err := e.find(id)
		if err != nil {
			return err
		}
		return e.seal(r, s)
	})
	return v.outcome("rotating", id, err)
}

// Remove forgets a key. Its sealed form stays in the previous file until the
// next change.
func (v *Vault) Remove(ctx context.Context, id string) error {
	err := v.change(ctx, func(e *edit) error {
		if _, err := e.find(id); err != nil {
			return err
		}
		e.doc.Records = slices.DeleteFunc(e.doc.Records, func(r record) bool { return r.ID == id })
		return nil
	})
	if err != nil {
		return fmt.Errorf("removing key %.70q: %w", id, err)
	}
	return nil
}

// SetEnabled says whether Get gives the key out.
func (v *Vault) SetEnabled(ctx context.Context, id string, enabled bool) (Info, error) {
	err := v.change(ctx, func(e *edit) error {
		r, err := e.find(id)
		if err == nil {
			r.Enabled = enabled
		}
		return err
	})
	return v.outcome("enabling or disabling", id, err)
}

func (v *Vault) outcome(doing, id string, err error) (Info, error) {
	var info Info
	if err == nil {
		info, err = v.Info(id)
	}
	if err != nil {
		return Info{}, fmt.Errorf("%s key %.70q: %w", doing, id, at(v.opts.Path, err))
	}
	return info, nil
}

// edit is a change under way: a copy of the document, and what sealing takes.
type edit struct {
	from *state
	doc  *document
	keys *keyset
	now  time.Time
	aead cipher.AEAD // of the active data key
}

// change applies f to what is on disk now and writes the result. Nothing is
// written if f fails. The data key is renewed on the way when it is due.
func (v *Vault) change(ctx context.Context, f func(*edit) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	lock, err := v.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	from, err := v.refresh(ctx, true)
	if err != nil {
		return err
	}
	e := &edit{from: from, doc: from.doc.clone(), keys: from.keys, now: v.now()}
	e.aead = from.deks[e.active().ID]
	if e.active().due(e.now) {
		if err := e.renewDEK(); err != nil {
			return err
		}
	}
	if err := f(e); err != nil {
		return err
	}
	return v.commit(e.doc, e.keys)
}

// commit writes the next generation, reads it back and makes it the state.
func (v *Vault) commit(d *document, k *keyset) error {
	d.Generation++
	data, _, err := d.render(k)
	if err != nil {
		return err
	}
	if len(data) > maxFile {
		return invalid("the keystore", "it would be larger than 16 MiB")
	}
	var next *state
	err = replace(v.opts.Path, data, true, func(written []byte) (err error) {
		next, err = verify(written, data, k)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", v.opts.Path, err)
	}
	v.state.Store(next)
	return nil
}

// verify opens what is on disk and every secret in it.
func verify(written, want []byte, k *keyset) (*state, error) {
	if !bytes.Equal(written, want) {
		return nil, errors.New("the disk holds something else than what was written")
	}
	d, err := parse(written)
	if err != nil {
		return nil, err
	}
	s, err := load(d, k)
	if err != nil {
		return nil, err
	}
	return s, s.openAll()
}

func (e *edit) active() *dek {
	return &e.doc.DEKs[slices.IndexFunc(e.doc.DEKs, func(k dek) bool { return k.Active })]
}

func (e *edit) find(id string) (*record, error) {
	i, ok := e.position(id)
	if !ok {
		return nil, notFound(id)
	}
	return &e.doc.Records[i], nil
}

func (e *edit) position(id string) (int, bool) {
	return slices.BinarySearchFunc(e.doc.Records, id, func(r record, id string) int { return strings.Compare(r.ID, id) })
}

// insert adds a record in its place.
func (e *edit) insert(r record, s secret.Text) error {
	i, ok := e.position(r.ID)
	if ok {
		return &Error{Kind: ErrExists, Where: recordName(r.ID), Problem: "there is a key of this id already", Mend: "rotate it, or choose another id"}
	}
	if len(e.doc.Records) >= maxRecords {
		return invalid("the keystore", fmt.Sprintf("it is full: it has %d keys", maxRecords))
	}
	if err := e.seal(&r, s); err != nil {
		return err
	}
	e.doc.Records = slices.Insert(e.doc.Records, i, r)
	return nil
}

// seal puts a new secret into a record, as its next version.
func (e *edit) seal(r *record, s secret.Text) error {
	if err := checkSecret(s); err != nil {
		return err
	}
	r.Version++
	r.Changed = e.now
	e.sealAs(r, s)
	return nil
}

// sealAs seals a record of the same version with the active data key.
func (e *edit) sealAs(r *record, s secret.Text) {
	k := e.active()
	r.DEK = k.ID
	r.Sealed = e.aead.Seal(nil, nil, []byte(s.Reveal()), bindRecord(e.doc.ID, r))
	k.Seals++
}

package vault

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// state is one generation of an open keystore. It never changes.
type state struct {
	doc   *document
	sum   string
	keys  *keyset
	root  []byte
	tags  []byte // the key of Tag
	deks  map[string]cipher.AEAD
	index map[string]*entry
}

// entry is a record with all that opening it takes.
type entry struct {
	*record
	aead cipher.AEAD
	bind []byte
}

// load verifies a document with the KEK and prepares it for use. Nothing of a
// document is believed before its MAC is.
func load(d *document, k *keyset) (*state, error) {
	s := &state{doc: d, sum: d.MAC, keys: k, deks: make(map[string]cipher.AEAD, len(d.DEKs)), index: make(map[string]*entry, len(d.Records))}
	whole := d.authenticate(k)
	if err := s.unwrap(); err != nil {
		return nil, err
	}
	for i := range d.Records {
		r := &d.Records[i]
		s.index[r.ID] = &entry{r, s.deks[r.DEK], bindRecord(d.ID, r)}
	}
	if !whole {
		return nil, s.diagnose()
	}
	return s, nil
}

// unwrap opens the data keys and the root.
func (s *state) unwrap() (err error) {
	for _, k := range s.doc.DEKs {
		key, err := s.keys.wrap.Open(nil, nil, k.Sealed, bindDEK(s.doc.ID, k.ID))
		if err == nil {
			s.deks[k.ID], err = newAEAD(key)
		}
		if err != nil {
			return damaged(fmt.Sprintf("deks, %q", k.ID), "the sealed data key does not open: it was changed, or belongs to another keystore")
		}
	}
	if s.root, err = s.doc.unwrapRoot(s.keys); err != nil {
		return err
	}
	s.tags, err = subkey(s.root, s.doc.ID, "tags of keys")
	return err
}

func (d *document) unwrapRoot(k *keyset) ([]byte, error) {
	root, err := k.wrap.Open(nil, nil, d.Root, bindRoot(d.ID))
	if err != nil || len(root) != keyBytes {
		return nil, damaged("root", "the sealed root does not open: it was changed, or belongs to another keystore")
	}
	return root, nil
}

// diagnose says which part of a document that fails its MAC was changed. It
// is always an error.
func (s *state) diagnose() error {
	if err := s.openAll(); err != nil {
		return err
	}
	return damaged("mac", "the file was changed after aimux wrote it: a plain field, or the number of keys; every sealed part is whole")
}

// openAll tries every record.
func (s *state) openAll() error {
	for i := range s.doc.Records {
		if _, err := s.index[s.doc.Records[i].ID].open(); err != nil {
			return err
		}
	}
	return nil
}

func (e *entry) open() (secret.Text, error) {
	text, err := e.aead.Open(nil, nil, e.Sealed, e.bind)
	if err != nil {
		return secret.Text{}, damaged(recordName(e.ID), "the secret does not open: it was changed, moved from another record, brought back from an older version, or its origin was changed")
	}
	return secret.New(string(text)), nil
}

func (s *state) mark() Mark { return Mark{s.doc.Generation, s.sum} }

// tag recognises a secret without telling it.
func (s *state) tag(t secret.Text) string {
	h := hmac.New(sha256.New, s.tags)
	h.Write([]byte(t.Reveal()))
	return "hmac:" + hex.EncodeToString(h.Sum(nil)[:8])
}

// Info is what may be shown of a key.
type Info struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Origin  Origin    `json:"origin"`
	Version uint64    `json:"version"` // one more with each new secret
	Enabled bool      `json:"enabled"`
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"` // when the secret was last set
	Last4   string    `json:"last4"`   // of secrets of 16 bytes and more
	Tag     string    `json:"tag"`     // the same for the same secret, useless without the keystore
}

func (s *state) info(id string) (Info, error) {
	e := s.index[id]
	if e == nil {
		return Info{}, notFound(id)
	}
	text, err := e.open()
	if err != nil {
		return Info{}, err
	}
	return Info{
		ID: e.ID, Name: e.Name, Origin: e.Origin, Version: e.Version, Enabled: e.Enabled,
		Created: e.Created, Changed: e.Changed, Last4: text.Last4(), Tag: s.tag(text),
	}, nil
}

// List returns what may be shown of every key, ordered by id.
func (v *Vault) List() ([]Info, error) {
	s := v.state.Load()
	out := make([]Info, 0, len(s.index))
	for i := range s.doc.Records {
		info, err := s.info(s.doc.Records[i].ID)
		if err != nil {
			return nil, err
		}
		out = append(out, info)
	}
	slices.SortFunc(out, func(a, b Info) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// Origin returns the address a key may be sent to, without opening the key.
func (v *Vault) Origin(id string) (Origin, error) {
	e := v.state.Load().index[id]
	if e == nil {
		return "", notFound(id)
	}
	return e.Origin, nil
}

// Info returns what may be shown of one key.
func (v *Vault) Info(id string) (Info, error) { return v.state.Load().info(id) }

// Tag returns a short HMAC of a secret, for the audit log: the same secret has
// the same tag, and nobody without the keystore can try secrets against it.
func (v *Vault) Tag(t secret.Text) string { return v.state.Load().tag(t) }

// Derive returns 32 bytes for another purpose, which the label names in at
// least 8 characters: the same for the same label as long as the keystore
// exists, whichever KEK and data key it has. The caller must not print them.
func (v *Vault) Derive(label string) ([]byte, error) {
	if len(label) < leastLabel {
		return nil, invalid("the label", fmt.Sprintf("it must name its purpose in at least %d characters", leastLabel))
	}
	s := v.state.Load()
	return subkey(s.root, s.doc.ID, "derived: "+label)
}

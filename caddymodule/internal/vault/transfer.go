package vault

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// Seal says who may open an export: whoever knows the passphrase, or the
// owners of the recipients ("age1…"). It is the one or the other.
type Seal struct {
	Passphrase secret.Text
	Recipients []string
	effort     int // log2 of scrypt's cost; 0: age's own, about a second
}

// Unseal opens an export: with the passphrase, or with identities
// ("AGE-SECRET-KEY-1…").
type Unseal struct {
	Passphrase secret.Text
	Identities []secret.Text
}

// OnConflict says what Import does with a key whose id is taken.
type OnConflict string

// What Import may do with a key whose id is taken. With Refuse, the default,
// nothing is imported at all.
const (
	Refuse  OnConflict = ""
	Skip    OnConflict = "skip"
	Replace OnConflict = "replace"
)

// Imported says what an import did, by id.
type Imported struct {
	Added    []string `json:"added"`
	Replaced []string `json:"replaced"`
	Skipped  []string `json:"skipped"`
}

// maxEffort bounds what a hostile export may cost: 2^20 is about four seconds and 1 GiB.
const maxEffort = 20

// parcel is what is inside an export. It is the only place where secrets are
// encoded in clear, on their way into age.
type parcel struct {
	Format   string      `json:"format"`
	Version  int         `json:"version"`
	Keystore string      `json:"keystore"`
	Exported time.Time   `json:"exported"`
	Keys     []parcelKey `json:"keys"`
}

type parcelKey struct {
	ID      string    `json:"id"`
	Origin  Origin    `json:"origin"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Enabled bool      `json:"enabled"`
	Secret  string    `json:"secret"`
}

const parcelName = "aimux keys"

// Export writes every key, with its secret, into an age container (binary) and
// returns how many there were.
func (v *Vault) Export(w io.Writer, to Seal) (int, error) {
	n, err := v.export(w, to)
	if err != nil {
		return 0, fmt.Errorf("exporting the keys: %w", err)
	}
	return n, nil
}

func (v *Vault) export(w io.Writer, to Seal) (int, error) {
	recipients, err := to.recipients()
	if err != nil {
		return 0, err
	}
	s := v.state.Load()
	p := parcel{Format: parcelName, Version: 1, Keystore: s.doc.ID, Exported: v.now()}
	for i := range s.doc.Records {
		r := &s.doc.Records[i]
		text, err := s.index[r.ID].open()
		if err != nil {
			return 0, err
		}
		p.Keys = append(p.Keys, parcelKey{r.ID, r.Origin, r.Name, r.Created, r.Enabled, text.Reveal()})
	}
	sealed, err := age.Encrypt(w, recipients...)
	if err != nil {
		return 0, err
	}
	if err := json.NewEncoder(sealed).Encode(p); err != nil {
		return 0, err
	}
	return len(p.Keys), sealed.Close()
}

func (s Seal) recipients() ([]age.Recipient, error) {
	if s.Passphrase.Empty() == (len(s.Recipients) == 0) {
		return nil, invalid("the export", "give it a passphrase or recipients, one of them")
	}
	if s.Passphrase.Empty() {
		list, err := age.ParseRecipients(strings.NewReader(strings.Join(s.Recipients, "\n")))
		if err != nil {
			return nil, invalid("the recipients", "one is not written as age writes them: age1…")
		}
		return list, nil
	}
	if err := checkPassphrase(s.Passphrase); err != nil {
		return nil, err
	}
	r, err := age.NewScryptRecipient(s.Passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	if s.effort != 0 {
		r.SetWorkFactor(s.effort)
	}
	return []age.Recipient{r}, nil
}

// Import stores the keys of an export, all of them or none. It also reads
// age's text form.
func (v *Vault) Import(ctx context.Context, r io.Reader, with Unseal, conflict OnConflict) (Imported, error) {
	p, err := readParcel(r, with)
	var done Imported
	if err == nil {
		err = v.change(ctx, func(e *edit) (err error) {
			done, err = e.unpack(p, conflict)
			return err
		})
	}
	if err != nil {
		return Imported{}, fmt.Errorf("importing keys: %w", err)
	}
	return done, nil
}

func readParcel(r io.Reader, with Unseal) (*parcel, error) {
	identities, err := with.identities()
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(io.LimitReader(r, maxFile))
	var sealed io.Reader = in
	if head, _ := in.Peek(len(armor.Header)); string(head) == armor.Header {
		sealed = armor.NewReader(in)
	}
	plain, err := age.Decrypt(sealed, identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, &Error{Kind: ErrWrongKey, Where: "the export", Problem: "neither the passphrase nor the identities open it"}
	}
	if err != nil {
		return nil, badExport("it is not an age file that can be opened: " + err.Error())
	}
	data, err := io.ReadAll(plain)
	if err != nil {
		return nil, badExport("it was cut or changed: " + err.Error())
	}
	return parseParcel(data)
}

func badExport(problem string) error {
	return &Error{Kind: ErrDamaged, Where: "the export", Problem: problem, Mend: "copy it again from where it was made"}
}

func parseParcel(data []byte) (*parcel, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	p := new(parcel)
	err := dec.Decode(p)
	switch {
	case err != nil || p.Format != parcelName:
		return nil, badExport("there are no keys of aimux in it")
	case p.Version != 1:
		return nil, &Error{Kind: ErrVersion, Where: "the export", Problem: fmt.Sprintf("its version is %d, and this aimux knows 1", p.Version), Mend: "use the newer aimux that wrote it"}
	}
	return p, nil
}

func (u Unseal) identities() (out []age.Identity, err error) {
	if !u.Passphrase.Empty() {
		id, err := age.NewScryptIdentity(u.Passphrase.Reveal())
		if err != nil {
			return nil, err
		}
		id.SetMaxWorkFactor(maxEffort)
		out = append(out, id)
	}
	for _, text := range u.Identities {
		ids, err := age.ParseIdentities(strings.NewReader(text.Reveal()))
		if err != nil {
			return nil, invalid("the identities", "one is not written as age writes them: AGE-SECRET-KEY-1…")
		}
		out = append(out, ids...)
	}
	if len(out) == 0 {
		return nil, invalid("the import", "give the passphrase or an identity that opens the export")
	}
	return out, nil
}

// unpack stores the keys of a parcel.
func (e *edit) unpack(p *parcel, conflict OnConflict) (done Imported, err error) {
	for _, k := range p.Keys {
		if err := k.check(); err != nil {
			return done, fmt.Errorf("key %.70q of the export: %w", k.ID, err)
		}
		old, err := e.find(k.ID)
		switch {
		case err != nil:
			err = e.insert(record{ID: k.ID, Origin: k.Origin, Name: k.Name, Created: k.Created, Enabled: k.Enabled}, secret.New(k.Secret))
			done.Added = append(done.Added, k.ID)
		case conflict == Skip:
			done.Skipped, err = append(done.Skipped, k.ID), nil
		case conflict == Replace:
			old.Origin, old.Name, old.Enabled = k.Origin, k.Name, k.Enabled
			err = e.seal(old, secret.New(k.Secret))
			done.Replaced = append(done.Replaced, k.ID)
		default:
			err = &Error{Kind: ErrExists, Where: recordName(k.ID), Problem: "there is a key of this id already", Mend: "say whether to skip or to replace it"}
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (k *parcelKey) check() error {
	o, err := ParseOrigin(string(k.Origin))
	k.Origin = o
	return errors.Join(checkID(k.ID), checkName(k.Name), err)
}

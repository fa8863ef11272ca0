package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Status is what may be shown of a keystore.
type Status struct {
	Path       string    `json:"path"`
	ID         string    `json:"id"`
	Generation uint64    `json:"generation"`
	Created    time.Time `json:"created"`
	KeySource  string    `json:"key_source"`          // "key file", "passphrase", …
	KeyWhere   string    `json:"key_where"`           // its path or name; empty for a passphrase
	Argon2     string    `json:"argon2,omitempty"`    // the cost of the passphrase
	Keys       int       `json:"keys"`                // how many are stored
	Disabled   int       `json:"disabled"`            // how many of them are disabled
	DEKAge     Age       `json:"data_key_age"`        // since the data key was made
	Seals      uint64    `json:"data_key_seals"`      // how many texts it has sealed
	SealsLeft  uint64    `json:"data_key_seals_left"` // until it is renewed
	Previous   bool      `json:"previous"`            // a previous file lies beside it
	Mark       Mark      `json:"mark"`
	Warnings   []string  `json:"warnings,omitempty"`
}

// Age is a span of time that is written as text, "36h0m0s".
type Age time.Duration

// String writes the age as time.Duration does.
func (a Age) String() string { return time.Duration(a).String() }

// MarshalText writes the age as time.Duration does.
func (a Age) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Mark returns what to remember of the keystore as it is now.
func (v *Vault) Mark() Mark { return v.state.Load().mark() }

// Generation returns how often the keystore has been written.
func (v *Vault) Generation() uint64 { return v.state.Load().doc.Generation }

// Status returns what may be shown of the keystore.
func (v *Vault) Status() Status {
	s := v.state.Load()
	active := (&edit{doc: s.doc}).active()
	st := Status{
		Path: v.opts.Path, ID: s.doc.ID, Generation: s.doc.Generation, Created: s.doc.Created,
		KeySource: s.keys.kind, KeyWhere: s.keys.where, Keys: len(s.doc.Records),
		DEKAge: Age(v.now().Sub(active.Created)), Seals: active.Seals, SealsLeft: maxSeals - min(active.Seals, maxSeals),
		Mark: s.mark(),
	}
	for _, r := range s.doc.Records {
		if !r.Enabled {
			st.Disabled++
		}
	}
	if k := s.doc.KDF; k.Name == kdfArgon2 {
		st.Argon2 = fmt.Sprintf("argon2id, %d MiB, %d passes, %d lanes", k.MemoryKiB>>10, k.Time, k.Threads)
	}
	_, err := os.Lstat(v.opts.Path + "~")
	st.Previous = !errors.Is(err, fs.ErrNotExist)
	st.Warnings = v.warnings(s, active)
	return st
}

// warnings lists what works but should be better.
func (v *Vault) warnings(s *state, active *dek) (out []string) {
	switch s.keys.kind {
	case kindVariable:
		out = append(out, "the key is in the environment, which other processes of this user can read; a systemd credential or a key file is better")
	case kindKeyFile:
		if err := apart(s.keys.where, append([]string{v.dir()}, v.opts.Apart...)); err != nil {
			out = append(out, err.Error())
		}
	}
	if k := s.doc.KDF; k.Name == kdfArgon2 && (k.MemoryKiB < usualCost.MemoryKiB || k.Time < usualCost.Time) {
		out = append(out, "the passphrase is protected by less than the usual cost; set it again")
	}
	if active.due(v.now()) {
		out = append(out, "the data key is due; it is renewed with the next change")
	}
	if info, err := os.Stat(v.opts.Path); err == nil && modesMean && info.Mode().Perm()&0o077 != 0 {
		out = append(out, fmt.Sprintf("others may read the keystore (mode %04o); chmod 600 it", info.Mode().Perm()))
	}
	return out
}

package backup

import (
	"errors"
	"fmt"

	"filippo.io/age"
)

// The work of making a key of a passphrase, as powers of two: what is written, and
// the most that is read. An archive may ask for any amount, and 2²⁰ takes 1 GiB.
const (
	workFactor    = 18
	maxWorkFactor = 20
)

// Passphrase returns the recipient that seals an archive with a passphrase. It
// refuses passphrases of fewer than 8 characters.
func Passphrase(phrase string) (age.Recipient, error) { return passphrase(phrase, workFactor) }

func passphrase(phrase string, work int) (age.Recipient, error) {
	if len([]rune(phrase)) < 8 {
		return nil, errors.New("a passphrase for a backup has at least 8 characters")
	}
	r, err := age.NewScryptRecipient(phrase)
	if err != nil {
		return nil, fmt.Errorf("sealing a backup: %w", err)
	}
	r.SetWorkFactor(work)
	return r, nil
}

// Unlock returns the identity that opens an archive sealed with a passphrase.
func Unlock(phrase string) (age.Identity, error) {
	id, err := age.NewScryptIdentity(phrase)
	if err != nil {
		return nil, fmt.Errorf("opening a backup: %w", err)
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	return id, nil
}

package vault

import (
	"errors"
	"io/fs"
	"strings"
)

// What can be wrong, for errors.Is. The errors of this package are mostly of
// type [*Error] and wrap one of these.
var (
	// ErrMissing says that there is no keystore yet. It is also fs.ErrNotExist.
	ErrMissing = missing{}
	// ErrExists says that Init found a keystore, or Add a key, that is there already.
	ErrExists = errors.New("it exists already")
	// ErrDamaged says that the keystore is not as aimux wrote it.
	ErrDamaged = errors.New("the keystore is damaged")
	// ErrVersion says that a newer aimux wrote the keystore.
	ErrVersion = errors.New("the keystore is of a newer version")
	// ErrWrongKey says that the key, or the passphrase, is not the keystore's.
	ErrWrongKey = errors.New("the key does not open the keystore")
	// ErrNoKey says that no source has a key, or that the source is not safe.
	ErrNoKey = errors.New("no usable key for the keystore")
	// ErrParameters says that the parameters of the passphrase are out of bounds.
	ErrParameters = errors.New("unacceptable parameters for the passphrase")
	// ErrRolledBack says that the keystore is older than one seen before.
	ErrRolledBack = errors.New("the keystore was rolled back")
	// ErrForked says that the keystore has the age of one seen before, but
	// not its contents.
	ErrForked = errors.New("the keystore has another history")
	// ErrNotFound says that the keystore has no key of that id.
	ErrNotFound = errors.New("no such key")
	// ErrDisabled says that the key was disabled.
	ErrDisabled = errors.New("the key is disabled")
	// ErrOrigin says that the key belongs to another provider's address.
	ErrOrigin = errors.New("the key belongs to another origin")
	// ErrInvalid says that what the caller gave cannot be stored.
	ErrInvalid = errors.New("not acceptable")
)

// missing is a sentinel that also says that a file does not exist.
type missing struct{}

func (missing) Error() string        { return "there is no keystore" }
func (missing) Is(target error) bool { return target == fs.ErrNotExist }

// Error says what is wrong, where, and how to mend it. No part of it ever
// holds a secret.
type Error struct {
	Kind    error  // one of the errors above
	Path    string // the file that is meant; may be empty
	Where   string // the part of the file: `record "zai-main"`; may be empty
	Problem string // what is wrong
	Mend    string // what to do about it; may be empty
}

// Error joins the parts that there are: "path: where: problem; mend".
func (e *Error) Error() string {
	var b strings.Builder
	for _, part := range []string{e.Path, e.Where} {
		if part != "" {
			b.WriteString(part)
			b.WriteString(": ")
		}
	}
	b.WriteString(e.Problem)
	if e.Mend != "" {
		b.WriteString("; ")
		b.WriteString(e.Mend)
	}
	return b.String()
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// at returns the error with the path filled in, if it is one of this package
// that has none yet.
func at(path string, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Path == "" {
		e.Path = path
	}
	return err
}

// damaged is the error of a file that is not as it was written.
func damaged(where, problem string) *Error {
	return &Error{
		Kind: ErrDamaged, Where: where, Problem: problem,
		Mend: "restore the file from a backup, or put the previous one back: it lies beside it with a ~ after its name",
	}
}

// invalid is the error of a call that asks for something impossible.
func invalid(where, problem string) *Error {
	return &Error{Kind: ErrInvalid, Where: where, Problem: problem}
}

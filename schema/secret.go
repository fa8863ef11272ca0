package schema

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
)

// maxSecretFile is the size, in bytes, above which a file is surely not a key.
const maxSecretFile = 64 << 10

// SecretRef says where a secret is kept; it never holds the secret itself.
// Schemes are env (an environment variable), file (an absolute or relative path)
// and vault (an id in aimux's own key store). The zero value refers to nothing.
type SecretRef struct {
	Scheme, Name string
}

// ParseSecretRef reads "env:NAME", "file:PATH" or "vault:ID". Its error never
// repeats the text, which may be a secret written in the wrong place.
func ParseSecretRef(text string) (SecretRef, error) {
	scheme, name, ok := strings.Cut(text, ":")
	if !ok {
		return SecretRef{}, errLiteralSecret
	}
	ref := SecretRef{scheme, name}
	switch scheme {
	case "env":
		return ref, ref.checkName(isVariableName(name), "after env: comes the name of an environment variable")
	case "vault":
		return ref, ref.checkName(isVaultID(name), "after vault: comes the id of a key in the vault")
	case "file":
		return ref, ref.checkName(isPath(name), "after file: comes a path")
	}
	return SecretRef{}, errLiteralSecret
}

var errLiteralSecret = errors.New("a secret is never written into a configuration")

// checkName returns an error saying msg unless the name has the right form and
// does not look like a key itself. Variables in capitals are no keys, however
// long.
func (r *SecretRef) checkName(formOK bool, msg string) error {
	shouted := r.Scheme == "env" && r.Name == strings.ToUpper(r.Name)
	if formOK && (shouted || !looksSecret(r.Name)) {
		return nil
	}
	*r = SecretRef{}
	return errors.New(msg)
}

// String returns the reference, "env:NAME" for example; never what it refers to.
func (r SecretRef) String() string {
	if r.Scheme == "" {
		return ""
	}
	return r.Scheme + ":" + r.Name
}

// MarshalText writes the reference.
func (r SecretRef) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a reference as ParseSecretRef does.
func (r *SecretRef) UnmarshalText(text []byte) (err error) {
	*r, err = ParseSecretRef(string(text))
	return err
}

// Resolve fetches the secret. env looks up environment variables; readFile reads
// a file and is [ReadSecretFile] when left out. Surrounding white space is cut
// off. A vault reference is an error: only the vault opens those. Errors name the
// reference and the reason, never the contents.
func (r SecretRef) Resolve(env func(string) (string, bool), readFile ...func(path string) ([]byte, error)) (string, error) {
	text, err := r.fetch(env, readFile...)
	if err != nil {
		return "", fmt.Errorf("secret %s: %w", r, err)
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return "", fmt.Errorf("secret %s: it is empty", r)
	}
	if strings.ContainsFunc(text, isControl) {
		return "", fmt.Errorf("secret %s: it has a line break or another control character within", r)
	}
	return text, nil
}

func (r SecretRef) fetch(env func(string) (string, bool), readFile ...func(string) ([]byte, error)) (string, error) {
	switch r.Scheme {
	case "env":
		v, ok := env(r.Name)
		if !ok {
			return "", errors.New("the environment variable is not set")
		}
		return v, nil
	case "file":
		read := ReadSecretFile
		if len(readFile) > 0 && readFile[0] != nil {
			read = readFile[0]
		}
		data, err := read(r.Name)
		return string(data), err
	case "vault":
		return "", errors.New("it is in the vault, which only a running gateway and the keys commands open")
	}
	return "", errors.New("it refers to nothing")
}

// ReadSecretFile reads a file that holds one secret: a regular file of at most
// 64 KiB. It never waits, whatever the path leads to.
func ReadSecretFile(path string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return nil, plainPathError(err)
	}
	if len(data) > maxSecretFile {
		return nil, errors.New("the file is larger than 64 KiB")
	}
	return data, nil
}

// Check says whether Resolve is likely to succeed, without reading a secret: the
// variable is set, the file is a regular one that can be opened. References to
// the vault are not checked.
func (r SecretRef) Check(env func(string) (string, bool)) error {
	switch r.Scheme {
	case "env":
		if v, ok := env(r.Name); !ok || strings.TrimSpace(v) == "" {
			return errors.New("the environment variable is not set")
		}
	case "file":
		f, err := openRegular(r.Name)
		if err != nil {
			return err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Size() == 0 {
			return errors.New("the file is empty")
		}
	}
	return nil
}

// isVariableName says whether s can name an environment variable.
func isVariableName(s string) bool {
	for i, c := range s {
		digit := '0' <= c && c <= '9'
		if !isLetter(c) && c != '_' && (i == 0 || !digit) {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// isVaultID says whether s can name a key of the vault: up to 64 letters, digits
// and ".", "_", "-", "/", beginning with a letter or digit.
func isVaultID(s string) bool {
	for i, c := range s {
		alnum := isLetter(c) || '0' <= c && c <= '9'
		if !alnum && (i == 0 || !strings.ContainsRune("._-/", c)) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func isPath(s string) bool {
	return s != "" && len(s) <= 4096 && !strings.ContainsFunc(s, isControl) &&
		!os.IsPathSeparator(s[len(s)-1])
}

func isLetter(c rune) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isControl(c rune) bool { return unicode.IsControl(c) }

package vault

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// KeySource says where the key that opens a keystore (the KEK) may be found.
// The sources are asked in the order of the fields and the first that has a
// key decides; one that has a wrong key ends the search. A keystore made with
// a passphrase asks for the passphrase alone.
type KeySource struct {
	// Credential is the name of a systemd credential, a file in the directory
	// that $CREDENTIALS_DIRECTORY names. "-" means none. Default: "aimux-kek".
	Credential string
	// KeyFile is the path of a key file. Default: none.
	KeyFile string
	// Passphrase asks somebody: a terminal, a pipe. Default: nobody is asked.
	Passphrase func(context.Context) (secret.Text, error)
	// Command is a program and its arguments, run without a shell, that prints
	// the key. The program is named by an absolute path. Default: none.
	Command []string
	// CommandLimit is how long the command may take. Default: 10s.
	CommandLimit time.Duration
	// Variable is an environment variable that holds the key: the last resort,
	// because the environment a process started with stays readable. "-" means
	// none. Default: "AIMUX_KEK".
	Variable string
	// Lookup reads environment variables. Default: os.LookupEnv.
	Lookup func(string) (string, bool)
}

// The kinds of source, as the file and Status name them.
const (
	kindCredential = "systemd credential" // #nosec G101 -- the name of a kind of source
	kindKeyFile    = "key file"
	kindPassphrase = "passphrase"
	kindCommand    = "command"
	kindVariable   = "environment variable"
)

// material is a KEK and where it came from.
type material struct {
	key         []byte
	kind, where string
}

// minPassphrase is the least length, in bytes, of a new passphrase.
const minPassphrase = 12

func (s KeySource) lookup(name string) (string, bool) {
	if s.Lookup == nil {
		return os.LookupEnv(name)
	}
	return s.Lookup(name)
}

// find asks the sources that hold the key itself. Of a key file there may be
// two candidates while the key is being changed.
func (s KeySource) find(ctx context.Context) ([]material, error) {
	if path, ok := s.credential(); ok {
		return one(readCredential(path))
	}
	if s.KeyFile != "" {
		found, err := readKeyFiles(s.KeyFile)
		if len(found) > 0 || !errors.Is(err, fs.ErrNotExist) || !s.more() {
			return found, err
		}
	}
	if len(s.Command) > 0 {
		return one(s.run(ctx))
	}
	if name, text, ok := s.variable(); ok {
		key, err := parseKey([]byte(text))
		if err != nil {
			err = noKey("", "environment variable "+name, err.Error(), keyForm)
		}
		return one(material{key, kindVariable, name}, err)
	}
	return nil, noKey("", "", "there is no systemd credential, key file, passphrase, command or environment variable that has it",
		"put the key back where it was; aimux never makes a new one for an old keystore")
}

// more says whether there is a source behind the key file.
func (s KeySource) more() bool {
	_, _, ok := s.variable()
	return ok || len(s.Command) > 0
}

// credential returns the path of the systemd credential, if it is there.
func (s KeySource) credential() (string, bool) {
	dir, ok := s.lookup("CREDENTIALS_DIRECTORY")
	name := s.Credential
	if name == "" {
		name = "aimux-kek"
	}
	if !ok || dir == "" || name == "-" || name != filepath.Base(name) {
		return "", false
	}
	path := filepath.Join(dir, name)
	_, err := os.Lstat(path)
	return path, err == nil
}

func (s KeySource) variable() (name, text string, ok bool) {
	name = s.Variable
	if name == "" {
		name = "AIMUX_KEK"
	}
	if name == "-" {
		return name, "", false
	}
	text, ok = s.lookup(name)
	return name, text, ok && text != ""
}

// ask gets the passphrase and spends the cost of deriving the key from it.
func (s KeySource) ask(ctx context.Context, k kdf) (material, error) {
	if s.Passphrase == nil {
		return material{}, noKey("", "", "it was made with a passphrase and there is nobody to ask for it", "start aimux from a terminal, or hand the passphrase over through a pipe")
	}
	text, err := s.Passphrase(ctx)
	if err != nil {
		return material{}, fmt.Errorf("asking for the passphrase: %w", err)
	}
	if text.Empty() {
		return material{}, &Error{Kind: ErrWrongKey, Problem: "the passphrase is empty"}
	}
	return material{k.derive(text), kindPassphrase, ""}, nil
}

// askNew is ask for a passphrase that is about to be set.
func (s KeySource) askNew(ctx context.Context, k kdf) (material, error) {
	return KeySource{Passphrase: func(ctx context.Context) (secret.Text, error) {
		text, err := s.Passphrase(ctx)
		if err == nil {
			err = checkPassphrase(text)
		}
		return text, err
	}}.ask(ctx, k)
}

func checkPassphrase(text secret.Text) error {
	if text.Len() < minPassphrase {
		return invalid("the passphrase", fmt.Sprintf("it must have at least %d characters", minPassphrase))
	}
	return nil
}

func one(m material, err error) ([]material, error) {
	if err != nil {
		return nil, err
	}
	return []material{m}, nil
}

// keyForm says how to make a key that parseKey accepts.
const keyForm = "a key is 32 random bytes in hexadecimal or base64, as `openssl rand -hex 32` prints them"

// parseKey reads a key in hexadecimal or base64. Lines that begin with # are
// comments. Its errors never repeat the text.
func parseKey(text []byte) ([]byte, error) {
	var found []byte
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if found != nil {
			return nil, errors.New("there is more than one line in it")
		}
		found = line
	}
	key, err := decodeKey(string(found))
	if err != nil || len(key) != keyBytes {
		return nil, errors.New("it is not a key")
	}
	if bytes.Count(key, key[:1]) == keyBytes {
		return nil, errors.New("it is one byte repeated, not a random key")
	}
	return key, nil
}

func decodeKey(text string) ([]byte, error) {
	switch len(text) {
	case 64:
		return hex.DecodeString(text)
	case 44:
		return base64.StdEncoding.DecodeString(text)
	case 43:
		return base64.RawStdEncoding.DecodeString(text)
	}
	return nil, errors.New("neither 64, 44 nor 43 characters")
}

// noKey is the error of a source that has no key, or none to be trusted.
func noKey(path, where, problem, mend string) error {
	return &Error{Kind: ErrNoKey, Path: path, Where: where, Problem: problem, Mend: mend}
}

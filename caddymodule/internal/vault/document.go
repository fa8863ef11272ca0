package vault

import (
	"bytes"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	formatName    = "aimux keystore"
	formatVersion = 1
	maxFile       = 16 << 20 // bytes
	maxRecords    = 10_000
)

// document is the keystore file. It is JSON so that people can look at what
// is not secret, and it ends in an HMAC of every byte before: a file that
// was edited, cut or put together from two is refused.
type document struct {
	Format     string    `json:"format"`
	Version    int       `json:"version"`
	ID         string    `json:"id"`
	Generation uint64    `json:"generation"` // one more with each write
	Created    time.Time `json:"created"`
	KDF        kdf       `json:"kdf"`
	KEKSource  string    `json:"kek_source"` // the kind of source, for error messages
	KEKID      string    `json:"kek_id"`
	Root       []byte    `json:"root"` // the sealed secret that Derive starts from
	DEKs       []dek     `json:"deks"`
	Records    []record  `json:"records"` // ordered by id
	MAC        string    `json:"mac,omitempty"`

	body []byte // the bytes the MAC is about, when read from a file
}

// dek is a data-encryption key, sealed by the KEK.
type dek struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Active  bool      `json:"active"`
	Seals   uint64    `json:"seals"` // how many texts it has sealed
	Sealed  []byte    `json:"sealed"`
}

// record is one stored key. Nothing of the secret is in it but its sealed form.
type record struct {
	ID      string    `json:"id"`
	Origin  Origin    `json:"origin"`
	Name    string    `json:"name"`
	Version uint64    `json:"version"` // one more with each new secret
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
	Enabled bool      `json:"enabled"`
	DEK     string    `json:"dek"`
	Sealed  []byte    `json:"sealed"`
}

// The bytes around the MAC, which is the last member.
const (
	macBefore = ",\n \"mac\": \""
	macAfter  = "\"\n}\n"
	macHex    = 64
	macTail   = len(macBefore) + macHex + len(macAfter)
)

// render returns the file and its MAC.
func (d *document) render(k *keyset) ([]byte, string, error) {
	d.MAC = ""
	data, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return nil, "", fmt.Errorf("encoding the keystore: %w", err)
	}
	body := bytes.TrimSuffix(data, []byte("\n}"))
	sum := k.sum(body)
	return append(body, macBefore+sum+macAfter...), sum, nil
}

// parse reads a file without believing it: the key that authenticates it is
// only known once its header is read. It bounds size, nesting and fields.
func parse(data []byte) (*document, error) {
	switch {
	case len(data) == 0:
		return nil, damaged("", "the file is empty")
	case len(data) > maxFile:
		return nil, damaged("", "the file is larger than 16 MiB")
	}
	if err := checkFormat(data); err != nil {
		return nil, err
	}
	d := new(document)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		return nil, damaged("", fmt.Sprintf("it cannot be read: %s", err))
	}
	if dec.More() {
		return nil, damaged(fmt.Sprintf("byte %d", dec.InputOffset()), "something was added after the end")
	}
	cut := len(data) - macTail
	if cut < 0 || len(d.MAC) != macHex || string(data[cut:]) != macBefore+d.MAC+macAfter {
		return nil, damaged("the end", "the file does not end as aimux writes it")
	}
	d.body = data[:cut]
	return d, d.check()
}

// checkFormat says whether the file is a keystore at all, and of a version that
// can be read.
func checkFormat(data []byte) error {
	var head struct {
		Format  string
		Version int
	}
	err := json.NewDecoder(bytes.NewReader(data)).Decode(&head)
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return damaged(fmt.Sprintf("byte %d", len(data)), "the file ends too early")
	case errors.As(err, &syntax):
		line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		return damaged(fmt.Sprintf("line %d", line), fmt.Sprintf("it is not JSON: %s", syntax))
	case err != nil:
		return damaged("", fmt.Sprintf("it cannot be read: %s", err))
	case head.Format != formatName:
		return damaged("format", fmt.Sprintf("it says %.40q instead of %q", head.Format, formatName))
	case head.Version > formatVersion:
		return &Error{
			Kind: ErrVersion, Where: "version", Problem: fmt.Sprintf("it is %d, and this aimux knows %d", head.Version, formatVersion),
			Mend: "use the newer aimux that wrote it",
		}
	case head.Version != formatVersion:
		return damaged("version", fmt.Sprintf("it is %d", head.Version))
	}
	return nil
}

// authenticate compares the MAC.
func (d *document) authenticate(k *keyset) bool {
	return hmac.Equal([]byte(d.MAC), []byte(k.sum(d.body)))
}

// clone returns a copy whose lists can be changed.
func (d *document) clone() *document {
	next := *d
	next.DEKs = append([]dek(nil), d.DEKs...)
	next.Records = append([]record(nil), d.Records...)
	next.body, next.MAC = nil, ""
	return &next
}

package vault

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/schema"
)

// Bounds of what is stored, in bytes.
const (
	maxName    = 128
	maxSecret  = 16 << 10
	maxSealed  = maxSecret + 64
	leastLabel = 8
)

// check says what is wrong with the structure of a document: things that aimux
// never writes, however the file was authenticated.
func (d *document) check() error {
	if !isHex(d.ID, 32) {
		return damaged("id", "it is not the id of a keystore")
	}
	if d.Generation == 0 {
		return damaged("generation", "it is 0")
	}
	if err := d.KDF.check(); err != nil {
		return err
	}
	if len(d.Records) > maxRecords {
		return damaged("records", fmt.Sprintf("there are %d; at most %d are accepted", len(d.Records), maxRecords))
	}
	known, err := checkDEKs(d.DEKs)
	if err != nil {
		return err
	}
	for i := range d.Records {
		if err := d.checkRecord(i, known); err != nil {
			return err
		}
	}
	return nil
}

// checkDEKs returns the ids of the data keys, of which exactly one is active.
func checkDEKs(deks []dek) (map[string]bool, error) {
	known := map[string]bool{}
	active := 0
	for i, k := range deks {
		if !isHex(k.ID, 16) || known[k.ID] || len(k.Sealed) > 256 {
			return nil, damaged(fmt.Sprintf("deks, number %d", i+1), "its id is missing or there twice, or it is too long")
		}
		known[k.ID] = true
		if k.Active {
			active++
		}
	}
	if active != 1 || len(deks) > 100 {
		return nil, damaged("deks", fmt.Sprintf("%d of %d are active instead of one", active, len(deks)))
	}
	return known, nil
}

func (d *document) checkRecord(i int, known map[string]bool) error {
	r := &d.Records[i]
	where := recordName(r.ID)
	switch {
	case checkID(r.ID) != nil:
		return damaged(fmt.Sprintf("records, number %d", i+1), "its id is not one that aimux accepts")
	case i > 0 && d.Records[i-1].ID == r.ID:
		return damaged(where, "it is there twice")
	case i > 0 && d.Records[i-1].ID > r.ID:
		return damaged(where, "it is out of order")
	case !known[r.DEK]:
		return damaged(where, "it was sealed with a key that is not in the file")
	case r.Version == 0 || len(r.Sealed) > maxSealed:
		return damaged(where, "its version is 0 or its text is too long")
	case checkName(r.Name) != nil:
		return damaged(where, "its name is not one that aimux accepts")
	}
	if o, err := ParseOrigin(string(r.Origin)); err != nil || o != r.Origin {
		return damaged(where, "its origin is not written as aimux writes it")
	}
	return nil
}

func recordName(id string) string { return fmt.Sprintf("record %.70q", id) }

// checkID accepts what a configuration can refer to as vault:ID, and nothing
// that looks like a key itself.
func checkID(id string) error {
	if _, err := schema.ParseSecretRef("vault:" + id); err != nil {
		return invalid("the id", "it must be 1 to 64 letters, digits and . _ - / that begin with a letter or digit, and must not look like a key")
	}
	return nil
}

func checkName(name string) error {
	if len(name) > maxName || strings.ContainsFunc(name, unprintable) || strings.ToValidUTF8(name, "") != name {
		return invalid("the name", fmt.Sprintf("it must be at most %d bytes of printable text", maxName))
	}
	return nil
}

// checkSecret accepts what can be sent in a header. It never repeats the text.
func checkSecret(s secret.Text) error {
	text := s.Reveal()
	switch {
	case text == "":
		return invalid("the secret", "it is empty")
	case len(text) > maxSecret:
		return invalid("the secret", "it is longer than 16 KiB")
	case text != strings.TrimSpace(text):
		return invalid("the secret", "it begins or ends with white space")
	case strings.ContainsFunc(text, unicode.IsControl):
		return invalid("the secret", "it has a line break or another control character in it")
	}
	return nil
}

// unprintable also holds for the marks that turn the direction of writing, which
// make one name look like another.
func unprintable(c rune) bool { return !unicode.IsGraphic(c) }

func isHex(s string, n int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == n
}

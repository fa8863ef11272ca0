package legacy

import (
	"fmt"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// Finding is something that looks like a key, found by Scan.
type Finding struct {
	File string `json:"file"`
	Line int    `json:"line"`
	// Name is the field or variable it was the value of; empty if none.
	Name string `json:"name,omitempty"`
	// Vendor is the kind of the provider whose key it is, by its shape or its name;
	// empty: unknown.
	Vendor string `json:"vendor,omitempty"`
	Masked string `json:"masked"`

	kind   string // by shape alone
	secret secret.Text
}

// Scanned is the result of a Scan.
type Scanned struct {
	Findings []Finding `json:"findings"`
	// Refused says which files were not read, and why.
	Refused []Entry `json:"refused,omitempty"`
	Files   int     `json:"files"`
}

// maxFindings bounds what one Scan returns.
const maxFindings = 1000

// Scan looks for keys in the JSON, TOML, YAML and environment files below a
// directory, by the shapes vendors give them and by the names of their fields. It
// reads regular files of at most 1 MiB and follows no links. The same key is
// reported at its first place only.
func Scan(dir string) (*Scanned, error) {
	c := &scanner{out: &Scanned{Findings: []Finding{}}, seen: map[string]bool{}}
	s := &search{visit: c, want: mayHoldKeys}
	if err := s.walk(dir); err != nil {
		return nil, fmt.Errorf("scanning: %w", err)
	}
	return c.out, nil
}

// Keys returns the findings whose vendor is known as keys for the vault, those that
// pick chooses. Nil chooses all.
func (s *Scanned) Keys(o Options, pick func(Finding) bool) []Key {
	m := newMerger(o)
	for _, f := range s.Findings {
		if pick != nil && !pick(f) || f.Vendor == "" {
			continue
		}
		where := place{f.File, f.Line, ""}
		m.place(&oldProvider{name: f.Vendor, where: where, keys: []oldKey{{value: f.secret.Reveal(), where: where}}})
	}
	m.names()
	var keys []Key
	for _, g := range m.list {
		m.keysOf(g)
		for _, k := range g.keys {
			keys = append(keys, *k)
		}
	}
	return keys
}

type scanner struct {
	out  *Scanned
	seen map[string]bool
}

func (c *scanner) refuse(path, why string) {
	c.out.Refused = append(c.out.Refused, Entry{Verdict: Refused, File: scrub(path), Why: why})
}

func (c *scanner) file(f found) {
	c.out.Files++
	for _, hit := range keysIn(f.data) {
		value := hit.secret.Reveal()
		if c.seen[value] || len(c.out.Findings) >= maxFindings {
			continue
		}
		c.seen[value] = true
		hit.File = scrub(f.shown)
		hit.Vendor = hit.kind
		if v := vendorNamed(provider.Catalogue(), ownerOf(hit.Name)); hit.Vendor == "" && v != nil {
			hit.Vendor = v.Kind
		}
		hit.Name = scrub(hit.Name)
		c.out.Findings = append(c.out.Findings, hit)
	}
}

// mayHoldKeys says which files are scanned, by name.
func mayHoldKeys(name string) bool {
	folded := strings.ToLower(name)
	switch folded {
	case "package-lock.json", "composer.lock", "yarn.lock", "cargo.lock", "go.sum":
		return false
	}
	for _, end := range []string{".toml", ".yaml", ".yml", ".properties", ".cfg", ".bak", ".backup"} {
		if strings.HasSuffix(folded, end) {
			return true
		}
	}
	return mayBeOld(name)
}

// keysIn finds what looks like a key in a file: words with a vendor's shape, and
// values of fields that are named like keys.
func keysIn(data []byte) []Finding {
	data, _ = decodeText(data)
	var out []Finding
	for no, line := range lines(data) {
		name := ""
		for _, w := range words(line) {
			kind, shaped := vendorOf(w.text)
			j := judge(w.text)
			if j.verdict == usable && (shaped || w.value && isKeyName(name) && isDense(w.text)) && !w.name {
				out = append(out, Finding{Line: no, Name: name, Masked: Mask(j.value), kind: kind, secret: secret.New(j.value)})
			}
			if w.name {
				name = w.text
			}
			if len(out) >= maxFindings {
				return out
			}
		}
	}
	return out
}

// word is a run of the characters keys are made of.
type word struct {
	text  string
	name  bool // a colon or equals sign follows
	value bool // one stands before
}

// words splits a line.
func words(line string) []word {
	var out []word
	assigned := false
	for i := 0; i < len(line); {
		if !isWord(line[i]) {
			i++
			continue
		}
		end := i
		for end < len(line) && isWord(line[end]) {
			end++
		}
		rest := strings.TrimLeft(line[end:], "\"' \t")
		named := rest != "" && (rest[0] == ':' || rest[0] == '=')
		out = append(out, word{line[i:end], named, assigned})
		assigned = named
		i = end
	}
	return out
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-+/", c) >= 0
}

// isKeyName reports whether a field of this name held keys.
func isKeyName(name string) bool {
	folded := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	switch folded {
	case "apikey", "apikeys", "api_keys", "x_api_key", "auth_token", "authtoken":
		return true
	}
	return strings.HasSuffix(folded, "api_key") || strings.HasSuffix(folded, "_auth_token")
}

// isDense reports whether a text has the length and the mixture of a key.
func isDense(s string) bool {
	return len(s) >= 16 && strings.ContainsAny(s, "0123456789") && strings.ContainsFunc(s, func(c rune) bool { return c > '9' })
}

// ownerOf takes the provider out of the name of a variable.
func ownerOf(name string) string {
	folded := strings.ToLower(name)
	for _, end := range []string{"_api_key", "_auth_token"} {
		if owner, ok := strings.CutSuffix(strings.TrimRight(folded, "_0123456789"), end); ok {
			return strings.TrimPrefix(owner, "aimux_")
		}
	}
	return ""
}

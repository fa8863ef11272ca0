package dialect

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Fields writes the top-level members of a request within a policy: renamed,
// dropped or refused as it says.
type Fields struct {
	Buf     []byte
	Dropped []string
	// more are what was dropped beyond maxDropped. They share memory with the
	// request.
	more   map[string]bool
	policy *Policy
	err    *llm.Error
}

// maxDropped is how many dropped members are named, and maxDroppedName how
// many bytes of each name: the names stand in a header and in records, and a
// request may hold millions.
const (
	maxDropped     = 64
	maxDroppedName = 128
)

// NewFields returns Fields that write into a buffer of about size bytes. A nil
// p allows everything.
func NewFields(p *Policy, size int) *Fields {
	if p == nil {
		p = &Policy{}
	}
	return &Fields{Buf: append(make([]byte, 0, size), '{'), policy: p}
}

// Policy is what the Fields write within, never nil.
func (f *Fields) Policy() *Policy { return f.policy }

// Open writes the key of a member whose value the caller appends to Buf. It
// writes nothing and returns false if the upstream does not take the member,
// which is then noted as dropped.
func (f *Fields) Open(key string) bool {
	to, ok := f.policy.admit(key)
	if !ok {
		if slices.Contains(f.policy.Refuse, key) {
			f.refuse(key)
		}
		f.Drop(key)
		return false
	}
	f.Buf = wire.Key(f.Buf, to)
	return true
}

// Drop notes that key was left out. It keeps a copy: what was dropped goes into
// records and headers, which outlive the request that key may be a piece of.
// Of what is dropped beyond the first ones only the number is noted.
func (f *Fields) Drop(key string) {
	if len(key) > maxDroppedName {
		key = strings.ToValidUTF8(key[:maxDroppedName], "") + "…"
	}
	switch {
	case slices.Contains(f.Dropped, key):
	case len(f.Dropped) < maxDropped:
		f.Dropped = append(f.Dropped, strings.Clone(key))
	case f.more == nil:
		f.more = map[string]bool{key: true}
	default:
		f.more[key] = true
	}
}

// Str writes a string member unless s is empty.
func (f *Fields) Str(key, s string) {
	if s != "" && f.Open(key) {
		f.Buf = wire.Quote(f.Buf, s)
	}
}

// Raw writes a member whose value is JSON text, unless it is empty.
func (f *Fields) Raw(key string, raw []byte) {
	if len(raw) > 0 && f.Open(key) {
		f.Buf = append(f.Buf, raw...)
	}
}

// Extra writes the unknown members of a request of this dialect, and notes
// those of another as dropped.
func (f *Fields) Extra(x *llm.Extra, d llm.Dialect) {
	for _, field := range x.Fields {
		switch {
		case x.From != d:
			f.Drop(field.Key)
		case !isDefault(field.Key, field.Value) || !slices.Contains(f.policy.Refuse, field.Key):
			f.Raw(field.Key, field.Value)
		}
	}
}

func (f *Fields) refuse(key string) {
	if f.err == nil {
		f.err = Refused(key)
	}
}

// isDefault reports whether a member says what holds without it, so that
// leaving it out changes nothing: some clients always send n = 1.
func isDefault(key string, value []byte) bool {
	switch s := string(value); key {
	case "n":
		return s == "1" || s == "null"
	case "logprobs", "store", "stream", "background":
		return s == "false" || s == "null"
	}
	return string(value) == "null"
}

// Refused is the answer to a request with a field the target cannot honour. key
// may be a piece of the request: the error holds a copy.
func Refused(key string) *llm.Error {
	return &llm.Error{
		Type: llm.ErrInvalidRequest, Class: llm.ClassBadRequest, Code: "unsupported_parameter", Param: strings.Clone(key),
		Message: key + " is not supported by the model's provider",
	}
}

// Close ends the object and returns it with what was dropped, of which the last
// entry may be "and 12 more"; the error is an *llm.Error if the policy refuses
// a member.
func (f *Fields) Close() ([]byte, []string, error) {
	if len(f.more) > 0 {
		f.Dropped = append(f.Dropped, "and "+strconv.Itoa(len(f.more))+" more")
		f.more = nil
	}
	if f.err != nil {
		return nil, f.Dropped, f.err
	}
	return append(f.Buf, '}'), f.Dropped, nil
}

// admit returns the name under which the upstream takes a top-level member,
// and whether it takes it at all.
func (p *Policy) admit(key string) (string, bool) {
	to := key
	if name, ok := p.Rename[key]; ok {
		to = name
	}
	if slices.Contains(p.Drop, key) || slices.Contains(p.Refuse, key) {
		return to, false
	}
	ok := len(p.Allow) == 0 || slices.Contains(p.Allow, to) || slices.Contains(p.Allow, key)
	return to, ok
}

// AppendStrings appends list as a JSON array.
func AppendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for _, s := range list {
		dst = wire.Quote(wire.Comma(dst), s)
	}
	return append(dst, ']')
}

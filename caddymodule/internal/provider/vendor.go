// Package provider knows the vendors: their endpoints, models, limits, prices
// and the habits that differ from the dialects they claim to speak.
//
// What is data stands in catalogue.toon, is compiled in as Go and read through
// Catalogue. What is particular to one vendor and
// is not data stands in a file named after it: the table of its error codes,
// the answer of its quota endpoint. Package failover decides with those
// tables; nothing here decides anything about a request.
//
// Everything handed out is read-only and safe for concurrent use.
package provider

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Vendor is one kind of provider: a company's API on one site and one plan, or
// a local server.
type Vendor struct {
	Kind  string   // the name in a config: "zai-coding"
	Also  []string // other spellings understood in a config: "z.ai"
	Title string   // for people: "Z.AI Coding Plan"
	Docs  string   // address of its documentation
	// Family is the kind whose error codes, headers and quota endpoint this
	// one shares: the four kinds of Z.AI are one family.
	Family string
	// Env names the environment variables of its keys; the first is the usual
	// one. Numbered ones (NAME_2, NAME_3) are the caller's to find.
	Env []string
	// Endpoints holds an entry for every dialect the vendor documents.
	Endpoints map[llm.Dialect]Endpoint
	// Models are those known when the catalogue was written. Others may exist.
	Models []Model
	// Policies says what its endpoints accept of the dialects' fields.
	Policies map[llm.Dialect]*dialect.Policy
	// Static says that the vendor documents no listing endpoint, so that
	// Models is all there is to know.
	Static bool
	// Local says that it usually runs on this machine: plain http is expected,
	// and whatever model it has loaded is served.
	Local bool
	// KeyOptional says that requests without a key are answered.
	KeyOptional bool
	// NeedsURL says that a config has to give the base URL.
	NeedsURL bool
	// SharedLimits says that limits count per organisation, so that a second
	// key of the same account brings nothing.
	SharedLimits bool
	// Plan says that keys belong to a subscription, so that single requests cost
	// nothing.
	Plan bool
	// Ping is the address of a free request that shows the way there works, or "".
	Ping string
	// Quota is the free question after what is left of a plan, or nil.
	Quota *QuotaProbe
}

// Model is one model as a vendor offers it.
type Model struct {
	ID      string
	Aliases []string
	// Context and MaxOutput are in tokens; 0 is unknown.
	Context, MaxOutput int
	// Tools, Vision, PDF, Thinking and Structured say what it can do.
	Tools, Vision, PDF, Thinking, Structured bool
	Price                                    Price
	// Policy refines the vendor's policy for this model, or is nil.
	Policy *dialect.Policy
	// Default marks the model to ask for when only the vendor is named.
	Default bool
}

// Price is in micro-dollars per million tokens: $0.35 is 350000. Zero is
// unknown or free.
type Price struct {
	Input, Output         int64
	CacheRead, CacheWrite int64
}

// Cost returns what the usage costs, in micro-dollars, rounded up.
func (p Price) Cost(u llm.Usage) int64 {
	plain := max(u.Input-u.CacheRead-u.CacheWrite, 0)
	read, write := p.CacheRead, p.CacheWrite
	if read == 0 {
		read = p.Input
	}
	if write == 0 {
		write = p.Input
	}
	total := int64(plain)*p.Input + int64(u.CacheRead)*read + int64(u.CacheWrite)*write + int64(u.Output)*p.Output
	return (total + 999_999) / 1_000_000
}

// Model finds a model by id or alias, letter case and a client's window suffix
// ("[1m]", which Claude Code adds and vendors refuse) aside.
func (v *Vendor) Model(id string) (*Model, bool) {
	id = PlainModel(id)
	for i := range v.Models {
		if m := &v.Models[i]; m.named(id) {
			return m, true
		}
	}
	return nil, false
}

// DefaultModel returns the model marked as default, else the first, else nil.
func (v *Vendor) DefaultModel() *Model {
	for i := range v.Models {
		if v.Models[i].Default {
			return &v.Models[i]
		}
	}
	if len(v.Models) > 0 {
		return &v.Models[0]
	}
	return nil
}

func (m *Model) named(id string) bool {
	if strings.EqualFold(m.ID, id) {
		return true
	}
	for _, a := range m.Aliases {
		if strings.EqualFold(a, id) {
			return true
		}
	}
	return false
}

// PlainModel returns a model name without the window suffix that clients add.
func PlainModel(id string) string {
	if head, ok := strings.CutSuffix(id, "]"); ok {
		if i := strings.LastIndexByte(head, '['); i > 0 {
			return head[:i]
		}
	}
	return id
}

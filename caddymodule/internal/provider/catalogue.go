package provider

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Cat is the catalogue. It is read-only.
type Cat struct {
	vendors []*Vendor
	kinds   map[string]*Vendor
}

var catalogue = sync.OnceValue(func() *Cat {
	c, err := newCatalogue(catalogueDocument())
	if err != nil {
		panic("provider: the catalogue: " + err.Error()) // a test makes it
	}
	return c
})

// Catalogue returns the catalogue, which is made at the first call.
func Catalogue() *Cat { return catalogue() }

// Vendor finds a vendor by its kind or one of the kind's other names.
func (c *Cat) Vendor(kind string) (*Vendor, bool) {
	v, ok := c.kinds[strings.ToLower(kind)]
	return v, ok
}

// Vendors returns all vendors in the order of the catalogue. The caller must
// not change the list.
func (c *Cat) Vendors() []*Vendor { return c.vendors }

// document is catalogue.toon. A program that starts does not parse it: it stands
// in catalogue_generated.go as Go.
type document struct {
	Version   int                       `toon:"version"`
	Vendors   []vendorRow               `toon:"vendors"`
	Endpoints []endpointRow             `toon:"endpoints"`
	Models    []modelRow                `toon:"models"`
	Policies  map[string]dialect.Policy `toon:"policies"`
}

type vendorRow struct {
	Kind   string `toon:"kind"`
	Family string `toon:"family"`
	Also   string `toon:"also"`
	Title  string `toon:"title"`
	Env    string `toon:"env"`
	Flags  string `toon:"flags"`
	Ping   string `toon:"ping"`
	Quota  string `toon:"quota"`
	Docs   string `toon:"docs"`
}

type endpointRow struct {
	Kind    string `toon:"kind"`
	Dialect string `toon:"dialect"`
	Base    string `toon:"base"`
	Auth    string `toon:"auth"`
	Calls   string `toon:"calls"`
	Headers string `toon:"headers"`
	Policy  string `toon:"policy"`
}

type modelRow struct {
	Kind    string  `toon:"kind"`
	ID      string  `toon:"id"`
	Also    string  `toon:"also"`
	Context int     `toon:"context"`
	Output  int     `toon:"output"`
	Can     string  `toon:"can"`
	In      float64 `toon:"in"`
	Out     float64 `toon:"out"`
	Read    float64 `toon:"read"`
	Write   float64 `toon:"write"`
	Policy  string  `toon:"policy"`
	Default bool    `toon:"default"`
}

// newCatalogue makes a catalogue of its rows. Whatever does not fit together in
// them is an error that names the row.
func newCatalogue(doc *document) (*Cat, error) {
	c := &Cat{kinds: make(map[string]*Vendor, len(doc.Vendors))}
	for _, step := range [...]func(*document) error{c.addVendors, c.addEndpoints, c.addModels} {
		if err := step(doc); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Cat) addVendors(doc *document) error {
	for i := range doc.Vendors {
		row := &doc.Vendors[i]
		v := &Vendor{
			Also: strings.Fields(row.Also),
			Kind: row.Kind, Family: row.Family, Title: row.Title, Docs: row.Docs, Ping: row.Ping,
			Env: strings.Fields(row.Env), Endpoints: make(map[llm.Dialect]Endpoint, 3),
		}
		for flag := range strings.FieldsSeq(row.Flags) {
			if !v.setFlag(flag) {
				return fmt.Errorf("vendor %q: unknown flag %q", row.Kind, flag)
			}
		}
		if row.Quota != "" {
			v.Quota = quotaProbe(row)
			if v.Quota == nil {
				return fmt.Errorf("vendor %q: nobody reads the quota of family %q", row.Kind, row.Family)
			}
		}
		c.vendors = append(c.vendors, v)
		for _, name := range append([]string{row.Kind}, strings.Fields(row.Also)...) {
			if _, taken := c.kinds[name]; taken {
				return fmt.Errorf("vendor %q: the name %q is taken", row.Kind, name)
			}
			c.kinds[name] = v
		}
	}
	return nil
}

func (v *Vendor) setFlag(flag string) bool {
	switch flag {
	case "static":
		v.Static = true
	case "local":
		v.Local = true
	case "key_optional":
		v.KeyOptional = true
	case "needs_url":
		v.NeedsURL = true
	case "shared_limits":
		v.SharedLimits = true
	case "plan":
		v.Plan = true
	default:
		return false
	}
	return true
}

// quotaProbe returns the question after what is left, or nil if nobody
// understands the family's answer.
func quotaProbe(row *vendorRow) *QuotaProbe {
	var read func([]byte, time.Time) Quota
	switch row.Kind {
	case "kimi-coding":
		read = readKimiUsage
	default:
		read = map[string]func([]byte, time.Time) Quota{
			"zai": readZaiQuota, "minimax": readMiniMaxQuota, "synthetic": readSyntheticQuota,
			"openrouter": readOpenRouterQuota, "deepseek": readDeepSeekBalance, "moonshot": readMoonshotBalance,
		}[row.Family]
	}
	if read == nil {
		return nil
	}
	return &QuotaProbe{URL: row.Quota, Bare: row.Family == "zai", Read: read}
}

func (c *Cat) addEndpoints(doc *document) error {
	for i := range doc.Endpoints {
		row := &doc.Endpoints[i]
		v, ok := c.kinds[row.Kind]
		if !ok {
			return fmt.Errorf("endpoint %d: no vendor %q", i, row.Kind)
		}
		e := Endpoint{BaseURL: row.Base, Auth: AuthStyle(row.Auth), Headers: readPairs(row.Headers)}
		for call := range strings.FieldsSeq(row.Calls) {
			if !e.setCall(call) {
				return fmt.Errorf("endpoint %d: unknown call %q", i, call)
			}
		}
		d := llm.Dialect(row.Dialect)
		v.Endpoints[d] = e
		if row.Policy == "" {
			continue
		}
		p, err := doc.policy(row.Policy)
		if err != nil {
			return fmt.Errorf("endpoint %d: %w", i, err)
		}
		if v.Policies == nil {
			v.Policies = make(map[llm.Dialect]*dialect.Policy, 3)
		}
		v.Policies[d] = p
	}
	return nil
}

func (e *Endpoint) setCall(call string) bool {
	switch call {
	case "models":
		e.Models = true
	case "embeddings":
		e.Embeddings = true
	case "count_tokens":
		e.CountTokens = true
	case "input_tokens":
		e.InputTokens = true
	default:
		return false
	}
	return true
}

// readPairs reads "Name=value; Name=value".
func readPairs(s string) map[string]string {
	if s == "" {
		return nil
	}
	pairs := map[string]string{}
	for pair := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		pairs[name] = value
	}
	return pairs
}

func (doc *document) policy(name string) (*dialect.Policy, error) {
	p, ok := doc.Policies[name]
	if !ok {
		return nil, fmt.Errorf("no policy %q", name)
	}
	return &p, nil
}

func (c *Cat) addModels(doc *document) error {
	for i := range doc.Models {
		row := &doc.Models[i]
		m, err := row.model(doc)
		if err != nil {
			return fmt.Errorf("model %q: %w", row.ID, err)
		}
		for kind := range strings.FieldsSeq(row.Kind) {
			v, ok := c.kinds[kind]
			if !ok {
				return fmt.Errorf("model %q: no vendor %q", row.ID, kind)
			}
			own := m
			if v.Plan {
				own.Price = Price{}
			}
			v.Models = append(v.Models, own)
		}
	}
	return nil
}

func (row *modelRow) model(doc *document) (Model, error) {
	m := Model{
		ID: row.ID, Aliases: strings.Fields(row.Also), Context: row.Context, MaxOutput: row.Output, Default: row.Default,
		Price: Price{Input: micro(row.In), Output: micro(row.Out), CacheRead: micro(row.Read), CacheWrite: micro(row.Write)},
	}
	for can := range strings.FieldsSeq(row.Can) {
		switch can {
		case "tools":
			m.Tools = true
		case "vision":
			m.Vision = true
		case "pdf":
			m.PDF = true
		case "thinking":
			m.Thinking = true
		case "structured":
			m.Structured = true
		default:
			return m, fmt.Errorf("unknown ability %q", can)
		}
	}
	if row.Policy == "" {
		return m, nil
	}
	var err error
	m.Policy, err = doc.policy(row.Policy)
	return m, err
}

// micro turns dollars into micro-dollars.
func micro(dollars float64) int64 { return int64(math.Round(dollars * 1e6)) }

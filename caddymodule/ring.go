package caddymodule

import (
	"slices"
	"sync"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/route"
)

// ring keeps the records of the last exchanges, decisions included, over
// changes of the configuration.
type ring struct {
	mu      sync.Mutex
	records []gateway.Record
	next    int
}

func newRing(n int) *ring { return &ring{records: make([]gateway.Record, 0, n)} }

// Observe keeps a copy of the record.
func (r *ring) Observe(record *gateway.Record) { r.add(*record) }

func (r *ring) add(record gateway.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) < cap(r.records) {
		r.records = append(r.records, record)
		return
	}
	if len(r.records) == 0 {
		return // nothing is to be remembered
	}
	r.records[r.next] = record
	r.next = (r.next + 1) % len(r.records)
}

// last returns up to n records, the newest first.
func (r *ring) last(n int) []gateway.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest(n)
}

func (r *ring) newest(n int) []gateway.Record {
	n = min(n, len(r.records))
	out := make([]gateway.Record, 0, n)
	for i := 1; i <= n; i++ {
		at := (r.next - i + 2*len(r.records)) % len(r.records)
		out = append(out, r.records[at])
	}
	return out
}

// resize makes it a ring of n, which keeps the newest of what it had.
func (r *ring) resize(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n == cap(r.records) {
		return
	}
	kept := r.newest(n)
	r.records, r.next = make([]gateway.Record, len(kept), n), 0
	for i, record := range kept {
		r.records[len(kept)-1-i] = record
	}
}

// detach cuts the records off from what their targets lead to: the keys and
// their secrets of a configuration that is no more.
func (r *ring) detach() {
	r.mu.Lock()
	defer r.mu.Unlock()
	bare := map[*route.Target]*route.Target{}
	for i := range r.records {
		if p := r.records[i].Plan; p != nil && slices.ContainsFunc(p.Candidates, leads) {
			r.records[i].Plan = detached(p, bare)
		}
	}
}

// leads reports whether a candidate leads to keys or health.
func leads(c route.Candidate) bool { return c.Target.Keys != nil || c.Target.Health != nil }

// detached is a copy of a plan whose targets have neither keys nor health. bare
// holds the targets that were copied before.
func detached(p *route.Plan, bare map[*route.Target]*route.Target) *route.Plan {
	strip := func(t *route.Target) *route.Target {
		if t.Keys == nil && t.Health == nil {
			return t
		}
		if bare[t] == nil {
			c := *t
			c.Keys, c.Health = nil, nil
			bare[t] = &c
		}
		return bare[t]
	}
	out := *p
	out.Targets = make([]*route.Target, len(p.Targets))
	for i, t := range p.Targets {
		out.Targets[i] = strip(t)
	}
	out.Candidates = slices.Clone(p.Candidates)
	for i := range out.Candidates {
		out.Candidates[i].Target = strip(p.Candidates[i].Target)
	}
	return &out
}

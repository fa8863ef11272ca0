package client

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Static is a client of the configuration. Its token is kept elsewhere, in an
// environment variable or a file, and read at start.
type Static struct {
	// Record has no id of its own: it is made from the name.
	Record
	// Token is made here or by another, who must have made it long and random: it
	// has at least 20 visible ASCII characters.
	Token Token
}

// Options is what a Registry is made of.
type Options struct {
	// Pepper is the key of the HMAC, at least 32 random bytes. Required, and the
	// same as the Store's.
	Pepper []byte
	// Accounts keeps what was used over registries. Default: one of its own.
	Accounts *Accounts
	// Store holds the clients that aimux made. What changes there is seen at the
	// next Identify. Default: none.
	Store *Store
	// Static are the clients and Teams the teams of the configuration. A team of
	// the store with the same name is hidden.
	Static []Static
	Teams  []Team
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Registry tells clients by their tokens. It is made for one configuration.
type Registry struct {
	hash     *hasher
	accounts *Accounts
	store    *Store
	static   []static
	teams    []Team
	now      func() time.Time

	mu      sync.Mutex // of rebuilding
	current atomic.Pointer[table]
}

// Format writes a placeholder, whatever the verb.
func (r *Registry) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[client registry]") }

// table is what Identify looks into. It never changes.
type table struct {
	from    *contents // of the store
	digests map[digest]*credential
	clients []*Client
	teams   map[string]Limits
}

// credential is one token of a client.
type credential struct {
	digest digest
	client *Client
	until  time.Time // zero: without an end of its own
}

// static is a client of the configuration, its token forgotten.
type static struct {
	digest digest
	record Record
}

// NewRegistry returns a registry. The error names the row of the configuration
// that cannot be, never its token.
func NewRegistry(o Options) (*Registry, error) {
	pepper, err := checkPepper(o.Pepper)
	if err != nil {
		return nil, err
	}
	r := &Registry{hash: newHasher(pepper), accounts: o.Accounts, store: o.Store, teams: o.Teams, now: o.Now}
	if r.accounts == nil {
		r.accounts = new(Accounts)
	}
	if r.now == nil {
		r.now = time.Now
	}
	if err := r.addStatic(o.Static); err != nil {
		return nil, err
	}
	for _, t := range o.Teams {
		if err := t.Validate(); err != nil {
			return nil, err
		}
	}
	r.rebuild()
	return r, nil
}

// Validate reports the first thing in t that cannot be.
func (t *Team) Validate() error {
	if err := checkName("team", t.Name); err != nil {
		return err
	}
	if err := t.Limits.Validate(); err != nil {
		return fmt.Errorf("team %q: %w", t.Name, err)
	}
	return nil
}

func (r *Registry) addStatic(rows []Static) error {
	names, digests := map[string]bool{}, map[digest]string{}
	for _, row := range rows {
		if err := row.check(); err != nil {
			return fmt.Errorf("client %q: %w", row.Name, err)
		}
		d := r.hash.sum(row.Token.text)
		if names[row.Name] {
			return fmt.Errorf("client %q: there are two of that name", row.Name)
		}
		if other, taken := digests[d]; taken {
			return fmt.Errorf("client %q: has the same token as client %q", row.Name, other)
		}
		names[row.Name], digests[d] = true, row.Name
		rec := row.Record.clone()
		rec.ID = "config/" + row.Name
		r.static = append(r.static, static{d, rec})
	}
	return nil
}

func (s *Static) check() error {
	if err := s.Record.Validate(); err != nil {
		return err
	}
	switch text := s.Token.text; {
	case text == "":
		return errors.New("the token is empty")
	case len(text) < minStatic:
		return fmt.Errorf("the token has %d characters, which is too short: at least %d, made at random", len(text), minStatic)
	case !shaped(text), ours(text) && !sumsUp(text):
		return fmt.Errorf("the token has to be %d to %d visible ASCII characters; one that begins with %s has to be one that aimux made", minStatic, maxStatic, Prefix)
	}
	return nil
}

// Identify returns the client whose token it is, if it may come from that address
// now. The error is a Reason, or a *RefusedError around one where the client is
// known. It does no I/O and does not allocate for a client that is let in.
func (r *Registry) Identify(token string, from netip.Addr) (*Client, error) {
	if token == "" {
		return nil, Missing
	}
	if !shaped(token) {
		return nil, Malformed
	}
	d := r.hash.sum(token)
	c := r.table().digests[d]
	if c == nil || !c.digest.equal(d) {
		if ours(token) && !sumsUp(token) { // a typo: no such token is ever made
			return nil, Malformed
		}
		return nil, Unknown
	}
	now := r.now()
	if !c.until.IsZero() && !now.Before(c.until) {
		return nil, Unknown
	}
	if reason := c.client.check(now, from); reason != 0 {
		return nil, &RefusedError{Reason: reason, ID: c.client.ID}
	}
	return c.client, nil
}

// Clients returns all clients, those of the configuration first. The caller must
// not change the list.
func (r *Registry) Clients() []*Client { return r.table().clients }

// Find returns the client with that id.
func (r *Registry) Find(id string) (*Client, bool) {
	for _, c := range r.table().clients {
		if c.ID == id {
			return c, true
		}
	}
	return nil, false
}

// TeamUsage is a team with its limits and what it has used.
type TeamUsage struct {
	Team
	Usage Usage `json:"usage"`
}

// Teams returns the teams that have limits.
func (r *Registry) Teams(now time.Time) []TeamUsage {
	t := r.table()
	out := make([]TeamUsage, 0, len(t.teams))
	for name, limits := range t.teams {
		out = append(out, TeamUsage{Team{name, limits}, r.accounts.get(teamAccount(name)).usage(now)})
	}
	slices.SortFunc(out, func(a, b TeamUsage) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Raise makes what a client of Clients has spent at least s, which a ledger knows of
// when what the process knew of it before is lost. now is the time s is of.
func (r *Registry) Raise(c *Client, s Spending, now time.Time) { c.key.raise(now, s) }

// RaiseTeam is Raise for a team.
func (r *Registry) RaiseTeam(name string, s Spending, now time.Time) {
	r.accounts.get(teamAccount(name)).raise(now, s)
}

// table returns the present table, made anew if the store has changed.
func (r *Registry) table() *table {
	t := r.current.Load()
	if r.store == nil || t.from == r.store.current.Load() {
		return t
	}
	return r.rebuild()
}

func (r *Registry) rebuild() *table {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.current.Load()
	from := new(contents)
	if r.store != nil {
		from = r.store.current.Load()
		if old != nil && old.from == from {
			return old
		}
	}
	t := &table{from: from, digests: make(map[digest]*credential), teams: make(map[string]Limits)}
	for _, team := range append(from.teams[:len(from.teams):len(from.teams)], r.teams...) {
		t.teams[team.Name] = team.Limits
	}
	for _, c := range r.static {
		t.add(newClient(c.record, FromConfig, r.accounts, t.teams), c.digest, row{})
	}
	for _, row := range from.rows {
		t.add(newClient(row.Record, FromStore, r.accounts, t.teams), row.digest, row)
	}
	r.current.Store(t)
	return t
}

// add takes in a client with its token, and with the one before if row has it. A
// token that is there already stays whose it was.
func (t *table) add(c *Client, d digest, row row) {
	t.clients = append(t.clients, c)
	if t.digests[d] == nil {
		t.digests[d] = &credential{digest: d, client: c}
	}
	if p := row.previous; !p.zero() && t.digests[p] == nil {
		t.digests[p] = &credential{digest: p, client: c, until: row.PreviousUntil}
	}
}

package console

import (
	"context"
	"fmt"
)

// Models are the names clients may ask for, and who may answer.
type Models interface {
	// List returns all aliases with their candidates as they stand at this
	// moment, and the rows behind them.
	List(ctx context.Context) (ModelTable, error)
	// Put replaces all rows if their version is still match, or match is "*".
	// Otherwise the error is Stale.
	Put(ctx context.Context, match string, rows []ModelRow) (ModelTable, error)
}

// ModelTable is the models table and what comes of it.
type ModelTable struct {
	Aliases []Alias
	Rows    []ModelRow
	Etag    string // the version of the rows
}

// Alias is a name that clients ask for.
type Alias struct {
	Alias      string      `json:"alias"`
	Strategy   string      `json:"strategy"`
	Candidates []Candidate `json:"candidates"`
}

// Candidate is a target that could answer, with what speaks for it now.
type Candidate struct {
	Provider        string  `json:"provider"`
	Model           string  `json:"model"`
	Tier            int     `json:"tier"`
	Weight          int     `json:"weight"`
	Enabled         bool    `json:"enabled"`
	Picked          bool    `json:"picked"`
	ScoreMS         float64 `json:"score_ms,omitzero"`
	ExpectedTTFTMS  float64 `json:"expected_ttft_ms,omitzero"`
	TokensPerSecond float64 `json:"tokens_per_second,omitzero"`
	InFlight        int64   `json:"in_flight"`
	Reason          string  `json:"reason"`
	Filtered        string  `json:"filtered,omitzero"` // why it cannot answer at all
	RestingUntil    Time    `json:"resting_until,omitzero"`
}

// ModelRow is one row of the models table. Enabled is true if absent.
type ModelRow struct {
	Alias    string `json:"alias"`
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Tier     *int   `json:"tier,omitzero"`
	Weight   *int   `json:"weight,omitzero"`
	Enabled  *bool  `json:"enabled,omitzero"`
}

const maxRows = 10_000

// modelsAnswer is a page of the aliases and always all rows, since whoever
// changes rows sends all of them back.
type modelsAnswer struct {
	Aliases []Alias    `json:"aliases"`
	Rows    []ModelRow `json:"rows"`
	Etag    string     `json:"etag"`
	Next    string     `json:"next,omitzero"`
}

func listModels(k *call) (any, error) {
	t, err := k.c.o.Backend.Models.List(k.ctx())
	if err != nil {
		return nil, err
	}
	return k.modelsAnswer(t)
}

func (k *call) modelsAnswer(t ModelTable) (any, error) {
	k.tag(t.Etag)
	out := modelsAnswer{Rows: t.Rows, Etag: t.Etag}
	var err error
	out.Aliases, out.Next, err = page(k, t.Aliases, func(a Alias) string { return a.Alias })
	return out, err
}

type modelRows struct {
	Rows []ModelRow `json:"rows"`
}

func (m modelRows) check() error {
	var p problems
	if m.Rows == nil {
		p.add("/rows", "this is needed")
	}
	if len(m.Rows) > maxRows {
		p.add("/rows", "more rows than the gateway takes")
		return p.err()
	}
	for i, r := range m.Rows {
		at := fmt.Sprintf("/rows/%d", i)
		p.text(at+"/alias", r.Alias, true)
		p.text(at+"/provider", r.Provider, true)
		p.text(at+"/model", r.Model, true)
		if r.Tier != nil {
			p.natural(at+"/tier", int64(*r.Tier), maxTier)
		}
		if r.Weight != nil {
			p.natural(at+"/weight", int64(*r.Weight), maxWeight)
		}
	}
	return p.err()
}

func putModels(k *call) (any, error) {
	match, err := k.match()
	if err != nil {
		return nil, err
	}
	var in modelRows
	if err := k.read(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	before, err := k.c.o.Backend.Models.List(k.ctx())
	if err != nil {
		return nil, err
	}
	var after ModelTable
	err = k.change("", modelRows{before.Rows}, in, func() (err error) {
		after, err = k.c.o.Backend.Models.Put(k.settled(), match, in.Rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	return k.modelsAnswer(after)
}

package control

import (
	"context"
	"strconv"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/usage"
)

// mostSessions is how many conversations can be paged through; the ledger hands
// out no more.
const mostSessions = 500

// Sessions returns the conversations since a time, the last active first. The
// cursor is the number of those before.
func (q requests) Sessions(ctx context.Context, since time.Time, cursor string, limit int) ([]console.Session, string, error) {
	skip, err := strconv.Atoi("0" + cursor)
	if err != nil || skip > mostSessions {
		return nil, "", console.Invalid(console.Problem{Pointer: "/cursor", Message: "not a cursor of this list"})
	}
	v := q.Gateway.View()
	if v.Ledger == nil {
		return []console.Session{}, "", nil
	}
	reader, err := v.Ledger.Reader(ctx)
	if err != nil {
		return nil, "", err
	}
	all, err := reader.Sessions(ctx, since, min(skip+limit+1, mostSessions))
	if err != nil {
		return nil, "", err
	}
	end, next := min(skip+limit, len(all)), ""
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	out := []console.Session{}
	for i := min(skip, end); i < end; i++ {
		out = append(out, showSession(&all[i]))
	}
	return out, next, nil
}

func showSession(s *usage.Session) console.Session {
	row := console.Session{
		ID: s.ID, Start: console.At(s.First), Last: console.At(s.Last), Requests: s.Requests, CostMicroUSD: s.Cost,
		TokensIn: s.Input, TokensOut: s.Output, Agents: []console.SessionAgent{},
	}
	for _, a := range s.Agents {
		row.Agents = append(row.Agents, console.SessionAgent{ID: a.ID, Requests: a.Requests, CostMicroUSD: a.Cost})
	}
	return row
}

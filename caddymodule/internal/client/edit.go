package client

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Create makes a client as r says, with an id and a token of its own. The token is
// nowhere else: who asked must keep it. What r says of its id and times of
// creation and rotation is not used.
func (s *Store) Create(r Record) (Record, Token, error) {
	r = r.clone()
	r.Created, r.Rotated, r.PreviousUntil = s.stamp(), time.Time{}, time.Time{}
	r.Expires = written(r.Expires)
	var token Token
	err := s.change(func(c *contents) error {
		r.ID = c.freshID()
		token = newToken(r.ID)
		c.rows = append(c.rows, row{Record: r, digest: s.hash.sum(token.text)})
		return c.check()
	})
	if err != nil {
		return Record{}, Token{}, err
	}
	return r, token, nil
}

// stamp is the time as it is written down.
func (s *Store) stamp() time.Time { return written(s.now()) }

func written(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func (c *contents) freshID() string {
	for {
		id := newID()
		if _, err := c.find(id); err != nil {
			return id
		}
	}
}

// List returns the clients in the order they were made, as far as this process
// has read the file.
func (s *Store) List() []Record {
	c := s.current.Load()
	out := make([]Record, len(c.rows))
	for i, r := range c.rows {
		out[i] = r.Record.clone()
	}
	return out
}

// Get returns the client with that id.
func (s *Store) Get(id string) (Record, error) {
	r, err := s.current.Load().find(id)
	if err != nil {
		return Record{}, err
	}
	return r.Record.clone(), nil
}

// Rotate gives the client a new token. The one it had works for the time of grace
// yet, up to 90 days; the one before that stops at once, and so does the old one
// if grace is 0.
func (s *Store) Rotate(id string, grace time.Duration) (Record, Token, error) {
	if grace < 0 || grace > maxGrace {
		return Record{}, Token{}, fmt.Errorf("client %q: a time of grace of %s, not between 0 and %s", id, grace, maxGrace)
	}
	var (
		token Token
		r     Record
	)
	err := s.change(func(c *contents) error {
		row, err := c.find(id)
		if err != nil {
			return err
		}
		token = newToken(id)
		row.previous, row.PreviousUntil = digest{}, time.Time{}
		row.Rotated = s.stamp()
		if grace > 0 {
			row.previous, row.PreviousUntil = row.digest, s.stamp().Add(grace)
		}
		row.digest = s.hash.sum(token.text)
		r = row.Record.clone()
		return c.check()
	})
	if err != nil {
		return Record{}, Token{}, err
	}
	return r, token, nil
}

// Revoke removes the client; its tokens are unknown from here on. What it has used
// still counts for its team.
func (s *Store) Revoke(id string) error {
	return s.change(func(c *contents) error {
		if _, err := c.find(id); err != nil {
			return err
		}
		c.rows = slices.DeleteFunc(c.rows, func(r row) bool { return r.ID == id })
		return nil
	})
}

// Update lets edit change a client's record and returns what became of it. The id,
// the times of creation and rotation, and the token stay. An error of edit's is
// returned and nothing is changed.
func (s *Store) Update(id string, edit func(*Record) error) (Record, error) {
	var r Record
	err := s.change(func(c *contents) error {
		row, err := c.find(id)
		if err != nil {
			return err
		}
		r = row.Record.clone()
		if err := edit(&r); err != nil {
			return err
		}
		old := &row.Record
		r.ID, r.Created, r.Rotated, r.PreviousUntil = old.ID, old.Created, old.Rotated, old.PreviousUntil
		r.Expires = written(r.Expires)
		row.Record = r.clone()
		return c.check()
	})
	if err != nil {
		return Record{}, err
	}
	return r, nil
}

// Teams returns the teams of the store.
func (s *Store) Teams() []Team { return slices.Clone(s.current.Load().teams) }

// SetTeam makes a team, or replaces the limits of the one with that name.
func (s *Store) SetTeam(t Team) error {
	return s.change(func(c *contents) error {
		c.dropTeam(t.Name)
		c.teams = append(c.teams, t)
		slices.SortFunc(c.teams, func(a, b Team) int { return strings.Compare(a.Name, b.Name) })
		return c.check()
	})
}

// RemoveTeam removes a team's limits. Clients that name it are not limited by it
// any more.
func (s *Store) RemoveTeam(name string) error {
	return s.change(func(c *contents) error {
		if !c.dropTeam(name) {
			return fmt.Errorf("team %q: %w", name, ErrNoClient)
		}
		return nil
	})
}

func (c *contents) dropTeam(name string) bool {
	n := len(c.teams)
	c.teams = slices.DeleteFunc(c.teams, func(t Team) bool { return t.Name == name })
	return len(c.teams) < n
}

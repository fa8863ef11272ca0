package schema

import (
	"net/netip"
	"strconv"
)

// clients checks the rows of clients and teams.
func (c *checker) clients() {
	c.unique("clients", "the client", "give each client its own name")
	c.unique("teams", "the team", "keep one of them")
	teams := map[string]bool{}
	for _, row := range rowsOf(c.tree["teams"], "") {
		teams[text(row, "name")] = true
	}
	for at, row := range rowsOf(c.tree["clients"], "/clients") {
		c.reference(row["secret"], at+"/secret", enabled(row))
		if team := text(row, "team"); team != "" && len(teams) > 0 && !teams[team] {
			c.warn(at+"/team", "no team "+quote(team)+" has limits", "add it to teams, or leave it for the ledger's sake")
		}
		if value := text(row, "expires"); value != "" {
			if _, err := ParseExpiry(value); err != nil {
				c.problem(at+"/expires", quote(value)+" is not a day or a moment", `for example "2027-01-01" or "2027-01-01T12:00:00Z"`)
			}
		}
		c.networks(row, at+"/networks")
	}
}

func (c *checker) networks(row map[string]any, at string) {
	list, _ := row["networks"].([]any)
	for i, v := range list {
		s, _ := v.(string)
		if _, err := netip.ParsePrefix(s); s != "" && err != nil {
			hint := `for example "10.0.0.0/8"`
			if addr, bad := netip.ParseAddr(s); bad == nil {
				hint = "did you mean " + strconv.Quote(netip.PrefixFrom(addr, addr.BitLen()).String()) + "?"
			}
			c.problem(at+"/"+strconv.Itoa(i), quote(s)+" is not a network", hint)
		}
	}
}

// unique reports rows of a section that have the same name.
func (c *checker) unique(section, what, hint string) {
	seen := map[string]string{}
	for at, row := range rowsOf(c.tree[section], "/"+section) {
		name := text(row, "name")
		if first, twice := seen[name]; twice && name != "" {
			c.twice(at+"/name", first, what+" "+quote(name)+" stands twice", hint)
			continue
		}
		seen[name] = at
	}
}

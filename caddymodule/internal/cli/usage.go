package cli

import (
	"encoding/csv"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/spf13/cobra"
)

// usage is `aimux usage`.
func (h *Host) usage(cmd *cobra.Command) {
	cmd.Use = "usage"
	cmd.Short = "Shows what was used and what it cost"
	cmd.Long = "Adds up the ledger by provider, model, client, key, day, hour or session. Tokens are what providers stated; where none did they are estimates, and counted as such. " +
		"Days and hours are those of UTC."
	cmd.Example = examples("aimux usage", "aimux usage --by client --since 7d", "aimux usage --by day --since 2026-11-01 --until 2026-12-01 --csv > november.csv")
	cmd.Args = takes()
	h.flags(cmd)
	f := cmd.Flags()
	by := f.String("by", "provider", "what to add up by: "+strings.Join(groupings(), ", "))
	since := f.String("since", "24h", "from when: an age such as 24h or 7d, a date, a time, today; all is everything there is")
	until := f.String("until", "", "until when (default: now)")
	asCSV := f.Bool("csv", false, "print for spreadsheets")
	_ = cmd.RegisterFlagCompletionFunc("by", cobra.FixedCompletions(groupings(), cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = h.run(func(s *session, _ []string) error {
		if *asCSV && s.json() {
			return usagef("--csv and --json cannot be used together")
		}
		query, err := s.usageQuery(*by, *since, *until)
		if err != nil {
			return err
		}
		return s.usage(query, *by, *asCSV)
	})
}

func groupings() []string {
	return []string{"provider", "model", "client", "key", "day", "hour", "session"}
}

func (s *session) usageQuery(by, since, until string) (url.Values, error) {
	if _, err := usage.ParseBy(by); err != nil || by == "" {
		return nil, usagef("--by %q: one of %s belongs here", clean(by), strings.Join(groupings(), ", "))
	}
	query := url.Values{"by": {by}}
	if since == "all" {
		since = ""
	}
	for name, text := range map[string]string{"since": since, "until": until} {
		at, err := moment(name, text, s.host.Now())
		if err != nil {
			return nil, err
		}
		if at != "" {
			query.Set(name, at)
		}
	}
	return query, nil
}

func (s *session) usage(query url.Values, by string, asCSV bool) error {
	a, err := s.api()
	if err != nil {
		return err
	}
	data, err := a.list(s.ctx, "/api/usage", "groups", query, 0)
	if err != nil {
		return err
	}
	var got struct{ Groups []console.UsageGroup }
	err = s.show(data, &got, func() error {
		if asCSV {
			return usageCSV(s.out, by, got.Groups)
		}
		return s.usageTable(by, got.Groups)
	})
	if err != nil {
		return err
	}
	return s.some(data, "groups", "nothing was used in that time")
}

func (s *session) usageTable(by string, groups []console.UsageGroup) error {
	if len(groups) == 0 {
		return nil
	}
	t := table{head: []string{by, "\trequests", "\tfailed", "\ttokens in", "\tcached", "\ttokens out", "\testimated", "\tcost"}}
	var all console.UsageGroup
	row := func(name any, g *console.UsageGroup) {
		t.row(name, number(g.Requests), number(g.Failures), number(g.TokensIn), number(g.TokensCached), number(g.TokensOut), number(g.Estimated), usage.Dollars(g.CostMicroUSD))
	}
	for i := range groups {
		g := &groups[i]
		row(orNone(g.Key), g)
		all.Requests += g.Requests
		all.Failures += g.Failures
		all.TokensIn += g.TokensIn
		all.TokensOut += g.TokensOut
		all.TokensCached += g.TokensCached
		all.Estimated += g.Estimated
		all.CostMicroUSD += g.CostMicroUSD
	}
	row(cell{"all", bold}, &all)
	return t.write(s.out, s.paint)
}

// usageCSV writes totals for spreadsheets. A name that a spreadsheet would take
// for a formula gets an apostrophe in front: clients choose some of them.
func usageCSV(w io.Writer, by string, groups []console.UsageGroup) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{by, "requests", "failures", "tokens_in", "tokens_cached", "tokens_out", "estimated", "cost_microusd"}) // told by Error
	for i := range groups {
		g := &groups[i]
		name := clean(g.Key)
		if name != "" && strings.ContainsRune("=+-@", rune(name[0])) {
			name = "'" + name
		}
		row := []string{name}
		for _, n := range []int64{g.Requests, g.Failures, g.TokensIn, g.TokensCached, g.TokensOut, g.Estimated, g.CostMicroUSD} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}

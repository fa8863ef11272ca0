package cli

import (
	"fmt"
	"net/url"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/spf13/cobra"
)

// requests is `aimux requests …`.
func (h *Host) requests(cmd *cobra.Command) {
	cmd.Use = "requests [command]"
	cmd.Short = "Lists requests, and shows why each was answered as it was"
	cmd.Long = "Lists what clients asked, the newest first, and shows one request with all its attempts and the decision behind them. No text of a prompt or an answer is kept."
	cmd.Example = examples("aimux requests list --class failed --since 1h", "aimux requests show req_01JD8")
	h.flags(cmd)
	group(cmd, h.requestsList(), h.requestsShow())
}

func (h *Host) requestsList() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "Lists requests, the newest first", Aliases: []string{"ls"},
		Long:    "Lists requests, the newest first. The class failed stands for every failure.",
		Example: examples("aimux requests list", "aimux requests list --provider zai --class rate_limited --limit 20", "aimux requests list --client anna --since 7d --json"), Args: takes(),
	}
	f := cmd.Flags()
	for name, what := range requestFilters() {
		f.String(name, "", "only those of this "+what)
	}
	since := f.String("since", "", "from when: an age such as 1h or 7d, a date, a time, today")
	most := f.Int("limit", 50, "how many at most")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		if *most < 1 {
			return usagef("--limit takes a number from 1")
		}
		query := url.Values{}
		for name := range requestFilters() {
			if text := s.text(name); text != "" {
				query.Set(name, text)
			}
		}
		at, err := moment("since", *since, s.host.Now())
		if err != nil {
			return err
		}
		if at != "" {
			query.Set("since", at)
		}
		return s.requests(query, *most)
	})
	return cmd
}

// requestFilters are the parameters of the API that narrow a list of requests.
func requestFilters() map[string]string {
	return map[string]string{"provider": "provider", "model": "model, as it was asked for", "client": "client", "session": "session", "class": "class: failed, rate_limited, overloaded …"}
}

func (s *session) requests(query url.Values, most int) error {
	a, err := s.api()
	if err != nil {
		return err
	}
	data, err := a.list(s.ctx, "/api/requests", "requests", query, most)
	if err != nil {
		return err
	}
	var got struct{ Requests []console.Request }
	if err := s.show(data, &got, func() error { return s.printRequests(got.Requests) }); err != nil {
		return err
	}
	return s.some(data, "requests", "there are no such requests")
}

func (s *session) printRequests(all []console.Request) error {
	if len(all) == 0 {
		return nil
	}
	t := table{head: []string{"time", "id", "client", "model", "answered by", "result", "\tttft", "\ttook", "\tin", "\tout", "\tcost"}}
	for i := range all {
		r := &all[i]
		t.row(stamp(r.Start), r.ID, orNone(r.Client), r.Model, answeredBy(r.Provider, r.Target), result(r), millis(r.TTFTMS), millis(r.DurationMS),
			number(r.TokensIn), number(r.TokensOut), usage.Dollars(r.CostMicroUSD))
	}
	return t.write(s.out, s.paint)
}

func answeredBy(provider, model string) string {
	if provider == "" {
		return none
	}
	return provider + "/" + model
}

func result(r *console.Request) cell {
	switch {
	case r.InFlight:
		return cell{"in flight", ""}
	case r.Class == "":
		return cell{"ok", Green}
	case r.Class == "canceled":
		return cell{r.Class, dim}
	}
	return cell{r.Class, Red}
}

func (h *Host) requestsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Shows a request with its attempts and the decision behind them",
		Long:    "Shows one request: who asked, every attempt with what came of it, and how the targets were ranked. The id is in the X-Aimux-Request-Id header of the answer; its beginning is enough.",
		Example: examples("aimux requests show req_01JD8", "aimux requests show req_01JD8 --json"), Args: takes("ID"),
		RunE: h.run(func(s *session, args []string) error {
			a, err := s.api()
			if err != nil {
				return err
			}
			id, err := s.requestID(a, args[0])
			if err != nil {
				return err
			}
			data, err := a.raw(s.ctx, pathOf("api", "requests", id), nil)
			if err != nil {
				return err
			}
			var r shownRequest
			return s.show(data, &r, func() error { return s.printRequest(&r) })
		}),
	}
}

// shownRequest is console.RequestDetail as it is read: the attempts stand in
// the place of their count.
type shownRequest struct {
	console.Request
	Attempts []console.Attempt `json:"attempts"`
	Decision *console.Decision `json:"decision"`
}

// requestID completes the beginning of an id.
func (s *session) requestID(a *api, text string) (string, error) {
	var got struct {
		Requests []struct{ ID string }
	}
	if err := a.get(s.ctx, "/api/requests", url.Values{"q": {text}, "limit": {"2"}}, &got); err != nil {
		return "", err
	}
	if len(got.Requests) > 1 && got.Requests[0].ID != text {
		return "", usagef("more than one request begins with %q; write more of its id", clean(text))
	}
	if len(got.Requests) == 0 {
		return text, nil
	}
	return got.Requests[0].ID, nil
}

func (s *session) printRequest(r *shownRequest) error {
	s.line("request", "%s, %s", clean(r.ID), stamp(r.Start))
	s.line("asked by", "%s, %s %s, model %s", clean(orNone(r.Client)), clean(r.Dialect), clean(r.Call), clean(r.Model))
	if r.Session != "" {
		s.line("session", "%s, agent: %s", clean(r.Session), clean(orNone(r.Agent)))
	}
	end := result(&r.Request)
	if r.Class != "" && r.Reason != "" {
		end.text += ", " + r.Reason
	}
	s.line("result", "%s, status %d, by %s", s.paint(end.colour, clean(end.text)), r.Status, clean(answeredBy(r.Provider, r.Target)))
	s.line("time", "first token %s, all %s", millis(r.TTFTMS), millis(r.DurationMS))
	s.line("tokens", "%s in (%s cached), %s out, %s", number(r.TokensIn), number(r.TokensCached), number(r.TokensOut), usage.Dollars(r.CostMicroUSD))
	if len(r.Attempts) > 0 {
		fmt.Fprintln(s.out)
		if err := s.printAttempts(r.Attempts); err != nil {
			return err
		}
	}
	if r.Decision == nil {
		return nil
	}
	fmt.Fprintln(s.out)
	return s.printDecision(r.Decision)
}

func (s *session) printAttempts(all []console.Attempt) error {
	t := table{head: []string{"attempt", "provider", "model", "key", "\tat", "\ttook", "\tstatus", "result", "says"}}
	for i, a := range all {
		end := cell{"ok", Green}
		if a.Class != "" {
			end = cell{a.Class, Red}
		}
		t.row(fmt.Sprint(i+1), a.Provider, a.Model, a.Key, millis(a.StartMS), millis(a.DurationMS), fmt.Sprint(a.Status), end, a.Message)
	}
	return t.write(s.out, s.paint)
}

func (s *session) printDecision(d *console.Decision) error {
	s.line("strategy", "%s, affinity: %s", clean(d.Strategy), clean(orNone(d.Affinity)))
	t := table{head: []string{"candidate", "\ttier", "\texpected", "standing"}}
	for _, c := range d.Candidates {
		standing := cell{c.Reason, ""}
		switch {
		case c.Picked:
			standing = cell{first(c.Reason), Green}
		case c.Filtered != "":
			standing = cell{c.Filtered, dim}
		}
		t.row(c.Provider+"/"+c.Model, fmt.Sprint(c.Tier), millis(c.ScoreMS), standing)
	}
	return t.write(s.out, s.paint)
}

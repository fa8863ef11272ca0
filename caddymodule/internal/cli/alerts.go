package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
)

// alerts is `aimux alerts`.
func (h *Host) alerts(cmd *cobra.Command) {
	cmd.Use = "alerts"
	cmd.Short = "Shows what needs somebody's eyes"
	cmd.Long = "Shows the rules that are broken, or lately were. With --rules it shows the rules themselves. Ends with 0 also if something fires."
	cmd.Example = examples("aimux alerts", "aimux alerts --rules", "aimux alerts --json")
	cmd.Args = takes()
	h.flags(cmd)
	rules := cmd.Flags().Bool("rules", false, "show what is watched")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		a, err := s.api()
		if err != nil {
			return err
		}
		data, err := a.list(s.ctx, "/api/alerts", "alerts", nil, 0)
		if err != nil {
			return err
		}
		var got struct {
			Alerts []console.Alert
			Rules  []console.AlertRule
		}
		return s.show(data, &got, func() error {
			if *rules {
				return s.printRules(got.Rules)
			}
			return s.printAlerts(got.Alerts)
		})
	})
}

func (s *session) printAlerts(all []console.Alert) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(s.out, "nothing is wrong")
		return err
	}
	t := table{head: []string{"state", "rule", "provider", "since", "what"}}
	for _, a := range all {
		t.row(state(a.State), a.Name, orNone(a.Provider), s.ago(a.Since), a.Text)
	}
	return t.write(s.out, s.paint)
}

func (s *session) printRules(all []console.AlertRule) error {
	t := table{head: []string{"rule", "provider", "metric", "\tfires at", "\tends at", "window", "for", "\tleast requests"}}
	figure := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	seconds := func(v float64) string { return span(time.Duration(v * float64(time.Second))) }
	for _, r := range all {
		t.row(r.Name, orNone(r.Provider), r.Metric, figure(r.Threshold), figure(r.Clear), seconds(r.WindowSeconds), seconds(r.ForSeconds), number(r.MinRequests))
	}
	return t.write(s.out, s.paint)
}

package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// Diagnosis says what to examine.
type Diagnosis struct {
	Config string // the configuration or the Caddyfile; empty: the usual places
	// Online also asks whether providers can be reached: names, TLS, their
	// clocks. Nothing that costs is asked, and no key is sent.
	Online bool
	// Running says that a server answers, and by which way.
	Running string
}

// Finding is what one check found.
type Finding struct {
	Check string `json:"check"`          // what was looked at: "vault"
	Level string `json:"level"`          // ok, warn, fail
	Text  string `json:"text"`           // what was found
	Mend  string `json:"mend,omitempty"` // what to do about it
}

// doctor is `aimux doctor`.
func (h *Host) doctor(cmd *cobra.Command) {
	cmd.Use = "doctor"
	cmd.Short = "Examines the installation and says how to mend what is wrong"
	cmd.Long = "Checks the configuration, secrets, vault, listeners, modes of files, data directory, clock and access log, and with --online whether providers can be reached; no key is sent and nothing costs. " +
		"Ends with 1 if something fails; warnings do not count."
	cmd.Example = examples("aimux doctor", "aimux doctor --online", "aimux doctor --config /etc/aimux/Caddyfile --json")
	cmd.Args = takes()
	h.flags(cmd)
	online := cmd.Flags().Bool("online", false, "also ask whether the providers can be reached")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		d := Diagnosis{Config: s.text("config"), Online: *online}
		if way, _, err := h.running(s.ctx, target{admin: s.text("admin")}); err == nil {
			d.Running = way.String()
			_ = way.Close()
		}
		return s.diagnosed(h.Diagnose(s.ctx, d))
	})
}

func (s *session) diagnosed(all []Finding) error {
	if s.json() {
		data, err := json.Marshal(map[string]any{"findings": all})
		if err != nil {
			return err
		}
		if err := s.printJSON(data); err != nil {
			return err
		}
	}
	failed := 0
	for _, f := range all {
		if f.Level == "fail" {
			failed++
		}
		if s.json() {
			continue
		}
		fmt.Fprintf(s.out, "%s  %-13s %s\n", s.paint(colourOf(f.Level), fmt.Sprintf("%-4s", f.Level)), f.Check, clean(f.Text))
		if f.Mend != "" {
			fmt.Fprintf(s.out, "      %-13s mend: %s\n", "", clean(f.Mend))
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s failed", plural(failed, "check"))
	}
	return nil
}

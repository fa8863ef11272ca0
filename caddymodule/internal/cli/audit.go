package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
)

// audit is `aimux audit …`.
func (h *Host) audit(cmd *cobra.Command) {
	cmd.Use = "audit <command>"
	cmd.Short = "Shows, verifies and copies the log of who changed what"
	cmd.Long = "Works on the audit log: every change an operator makes is written there before it is made, each record with the hash of the one before."
	cmd.Example = examples("aimux audit show", "aimux audit verify", "aimux audit export --to audit.jsonl")
	h.flags(cmd)
	group(cmd, h.auditShow(), h.auditVerify(), h.auditExport())
}

func (h *Host) auditShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show", Short: "Lists the records, the newest first", Aliases: []string{"list"},
		Long:    "Lists who changed what, and what came of it, the newest first.",
		Example: examples("aimux audit show", "aimux audit show --limit 200 --json"), Args: takes(),
	}
	most := cmd.Flags().Int("limit", 50, "how many at most")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		if *most < 1 {
			return usagef("--limit takes a number from 1")
		}
		a, err := s.api()
		if err != nil {
			return err
		}
		data, err := a.list(s.ctx, "/api/audit", "records", nil, *most)
		if err != nil {
			return err
		}
		var got struct{ Records []console.AuditRecord }
		if err := s.show(data, &got, func() error { return s.printRecords(got.Records) }); err != nil {
			return err
		}
		return s.some(data, "records", "nothing was changed yet")
	})
	return cmd
}

func (s *session) printRecords(all []console.AuditRecord) error {
	if len(all) == 0 {
		return nil
	}
	t := table{head: []string{"\tseq", "time", "who", "from", "did", "to", "outcome"}}
	for _, r := range all {
		outcome := cell{r.Outcome, ""}
		if r.Outcome != "ok" && r.Outcome != "begun" {
			outcome.colour = Yellow
		}
		t.row(fmt.Sprint(r.Seq), stamp(r.Time), orNone(r.Actor), orNone(r.IP), r.Action, orNone(r.Target), outcome)
	}
	return t.write(s.out, s.paint)
}

func (h *Host) auditVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use: "verify", Short: "Checks that nothing in the log was changed, removed or added",
		Long:    "Checks the whole chain and the signatures. With --copy it checks what `aimux audit export` wrote. Ends with 1 if something is wrong, and says where.",
		Example: examples("aimux audit verify", "aimux audit verify --copy audit.jsonl"), Args: takes(),
	}
	copied := cmd.Flags().String("copy", "", "verify this export")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		if *copied != "" {
			return s.verifyCopy(*copied)
		}
		a, err := s.api()
		if err != nil {
			return err
		}
		data, err := a.send(s.ctx, http.MethodPost, "/api/audit/verify", nil)
		if err != nil {
			return err
		}
		var verdict console.AuditVerdict
		if err := decode(data, &verdict); err != nil {
			return err
		}
		return s.verdict(data, verdict.OK, verdict.Records, verdict.Message)
	})
	return cmd
}

func (s *session) verdict(data json.RawMessage, ok bool, records int64, message string) error {
	if s.json() {
		if err := s.printJSON(data); err != nil {
			return err
		}
	} else if ok {
		fmt.Fprintf(s.out, "%s %s records: %s\n", s.paint(Green, "ok"), number(records), clean(message))
	}
	if !ok {
		return fmt.Errorf("the audit log does not hold: %s", clean(message))
	}
	return nil
}

func (s *session) verifyCopy(path string) error {
	return s.files("", "", func(files *Files) error {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		report, err := audit.VerifyExport(file, audit.VerifyOptions{Keys: files.AuditKeys})
		if err != nil {
			return err
		}
		data, err := json.Marshal(report)
		if err != nil {
			return err
		}
		message := report.Signatures
		if !report.OK() {
			message = report.Problems[0].String()
		}
		return s.verdict(data, report.OK(), int64(report.Records), message)
	})
}

func (h *Host) auditExport() *cobra.Command {
	cmd := &cobra.Command{
		Use: "export [--to FILE]", Short: "Copies the log, or a part of it, as it stands",
		Long:    "Writes records as they stand in the log, one JSON document a line, so that the copy can be verified elsewhere. A file that is there is not replaced.",
		Example: examples("aimux audit export --to audit.jsonl", "aimux audit export --first 1000 --last 2000 > part.jsonl"), Args: takes(),
	}
	to := cmd.Flags().String("to", "", "the file to write (default: the standard output)")
	first := cmd.Flags().Uint64("first", 1, "the seq to begin with")
	last := cmd.Flags().Uint64("last", 0, "the seq to end with (default: the last)")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		return s.files("", "", func(files *Files) error {
			if *to == "" {
				_, err := audit.Export(s.ctx, files.AuditDir, s.out, *first, *last)
				return err
			}
			n := 0
			err := newFile(*to, func(file *os.File) (err error) {
				n, err = audit.Export(s.ctx, files.AuditDir, file, *first, *last)
				return err
			})
			if err != nil {
				return err
			}
			if s.json() {
				data, err := encode(map[string]any{"file": *to, "records": n})
				return errors.Join(err, s.printJSON(data))
			}
			_, err = fmt.Fprintf(s.out, "%s in %s\n", plural(n, "record"), *to)
			return err
		})
	})
	return cmd
}

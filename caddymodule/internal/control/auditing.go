package control

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/console"
)

// auditing is console.Audit.
type auditing struct{ *Plane }

// Begin writes down what is about to be done. If that fails it must not be
// done. What came of it follows in a record of its own, unless it went well.
func (a auditing) Begin(ctx context.Context, e console.AuditEntry) (func(outcome string), error) {
	log, err := a.Audit(ctx)
	if err != nil {
		return nil, err
	}
	event := audit.Event{
		Actor: e.Actor, IP: e.IP, Action: e.Action, Target: e.Target, Before: fields(e.Before), After: fields(e.After), Outcome: "begun",
	}
	_, err = log.Append(ctx, event)
	a.AuditTrouble(err)
	if err != nil {
		return nil, err
	}
	return func(outcome string) {
		event.Outcome, event.Before, event.After = outcome, nil, nil
		ctx := context.WithoutCancel(ctx)
		log, err := a.Audit(ctx) // the change itself may have replaced the log
		if err == nil {
			_, err = log.Append(ctx, event)
		}
		if err != nil {
			a.Logger.Error("what came of a change is not in the audit log", "action", e.Action, "target", e.Target, "outcome", outcome, "error", err.Error())
		}
	}, nil
}

// fields makes of a JSON object the flat fields of the audit log.
func fields(value jsontext.Value) map[string]string {
	if len(value) == 0 {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil {
		return map[string]string{"value": string(value)}
	}
	out := make(map[string]string, len(members))
	for name, v := range members {
		var text string
		if json.Unmarshal(v, &text) != nil {
			text = string(v)
		}
		out[name] = text
	}
	return out
}

// Records returns the newest records.
func (a auditing) Records(ctx context.Context, cursor string, limit int) ([]console.AuditRecord, string, error) {
	f := audit.Filter{Limit: limit}
	if cursor != "" {
		before, err := strconv.ParseUint(cursor, 10, 64)
		if err != nil {
			return nil, "", console.Invalid(console.Problem{Pointer: "/cursor", Message: "not a cursor of this list"})
		}
		f.Before = before
	}
	page, err := audit.Show(ctx, a.AuditDir(), f)
	if err != nil {
		return nil, "", err
	}
	out := []console.AuditRecord{}
	for i := range page.Records {
		r := &page.Records[i]
		out = append(out, console.AuditRecord{
			Seq: int64(r.Seq), Time: console.At(r.When()), Actor: r.Actor, IP: r.IP, Action: r.Action, Target: r.Target,
			Before: object(r.Before), After: object(r.After), Outcome: r.Outcome, Hash: r.Hash,
		})
	}
	next := ""
	if page.Next > 0 {
		next = strconv.FormatUint(page.Next, 10)
	}
	return out, next, nil
}

func object(fields map[string]string) jsontext.Value {
	if len(fields) == 0 {
		return nil
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return data
}

// Verify checks the chain, and that its end is not older than what is
// remembered.
func (a auditing) Verify(ctx context.Context) (console.AuditVerdict, error) {
	options := audit.VerifyOptions{Keys: a.AuditKeys()}
	if a.AuditSeen != nil {
		options.Seen = a.AuditSeen()
	}
	report, err := audit.Verify(ctx, a.AuditDir(), options)
	if err != nil {
		return console.AuditVerdict{}, err
	}
	verdict := console.AuditVerdict{OK: len(report.Problems) == 0, Records: int64(report.Records), Message: "the chain is whole; " + report.Signatures}
	if !verdict.OK {
		first := report.Problems[0]
		seq := int64(first.Seq)
		verdict.FirstBad, verdict.Message = &seq, first.String()
	}
	return verdict, nil
}

package console

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// Audit is the audit log.
type Audit interface {
	// Begin writes down what is about to be done. After an error it is not
	// done. Otherwise end is called once, with "ok" or what went wrong.
	Begin(ctx context.Context, e AuditEntry) (end func(outcome string), err error)
	// Records returns the newest records first. The cursor is empty or what an
	// earlier call returned as next; next is empty at the end.
	Records(ctx context.Context, cursor string, limit int) (records []AuditRecord, next string, err error)
	// Verify checks the chain.
	Verify(ctx context.Context) (AuditVerdict, error)
}

// AuditEntry is what somebody is about to do. Secrets in Before and After are
// written as [redacted].
type AuditEntry struct {
	Actor, IP, Action, Target string
	Before, After             jsontext.Value // nil: nothing
}

// AuditRecord is one line of the log.
type AuditRecord struct {
	Seq     int64          `json:"seq"`
	Time    Time           `json:"ts"`
	Actor   string         `json:"actor"`
	IP      string         `json:"ip,omitzero"`
	Action  string         `json:"action"`
	Target  string         `json:"target,omitzero"`
	Before  jsontext.Value `json:"before,omitzero"`
	After   jsontext.Value `json:"after,omitzero"`
	Outcome string         `json:"outcome"`
	Hash    string         `json:"hash"`
}

// AuditVerdict says whether the chain of records is whole.
type AuditVerdict struct {
	OK       bool   `json:"ok"`
	FirstBad *int64 `json:"first_bad,omitzero"`
	Message  string `json:"message"`
	Records  int64  `json:"records"`
}

// change writes to the audit log what is about to happen to target, then lets
// it happen. before and after may be nil.
func (k *call) change(target string, before, after any, apply func() error) (err error) {
	e := AuditEntry{Actor: k.who.User, IP: k.from(), Action: k.route.action, Target: target}
	if e.Before, err = auditValue(before); err != nil {
		return err
	}
	if e.After, err = auditValue(after); err != nil {
		return err
	}
	end, err := k.c.o.Backend.Audit.Begin(k.settled(), e)
	if err != nil {
		k.c.o.Logger.ErrorContext(k.ctx(), "the audit log cannot be written", "action", e.Action, "error", err)
		return auditFailed()
	}
	result := "failed: interrupted"
	defer func() { end(result) }() // also when apply panics
	err = apply()
	result = outcome(err)
	return err
}

func auditValue(v any) (jsontext.Value, error) {
	if v == nil {
		return nil, nil
	}
	return asJSON(v)
}

func auditFailed() *Error {
	return broken("audit_unavailable", "the audit log cannot be written, so nothing was changed")
}

// outcome is how a change ended, in words that hold no secret.
func outcome(err error) string {
	var e *Error
	if err == nil {
		return "ok"
	}
	if errors.As(err, &e) {
		return "refused: " + e.Code
	}
	if e, known := explain(err); known {
		return "refused: " + e.Code
	}
	return "failed"
}

type auditAnswer struct {
	Records []AuditRecord `json:"records"`
	Next    string        `json:"next,omitzero"`
}

func getAudit(k *call) (any, error) {
	limit, err := k.limit()
	if err != nil {
		return nil, err
	}
	cursor, err := k.cursor()
	if err != nil {
		return nil, err
	}
	var out auditAnswer
	out.Records, out.Next, err = k.c.o.Backend.Audit.Records(k.ctx(), cursor, limit)
	return out, err
}

func verifyAudit(k *call) (any, error) {
	if err := k.read(&struct{}{}); err != nil {
		return nil, err
	}
	return k.c.o.Backend.Audit.Verify(k.ctx())
}

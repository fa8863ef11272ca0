package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

// Error is a refusal that is told to the caller.
type Error struct {
	Status   int       `json:"-"`
	Code     string    `json:"code"`
	Message  string    `json:"message"`
	Problems []Problem `json:"problems,omitzero"`

	retryAfter int // seconds
}

// Problem is one thing that is wrong with what was sent, or with the
// configuration that would come of it.
type Problem struct {
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901)
	Line    int    `json:"line,omitzero"`
	Column  int    `json:"column,omitzero"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitzero"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// NotFound says that there is no such thing.
func NotFound(message string) *Error {
	return &Error{Status: http.StatusNotFound, Code: "not_found", Message: message}
}

// Conflict says that the change contradicts what is there: a name is taken,
// something is still in use, a value comes from a place the console cannot
// write.
func Conflict(message string) *Error {
	return &Error{Status: http.StatusConflict, Code: "conflict", Message: message}
}

// Stale says that somebody else changed the thing since the caller read it.
func Stale() *Error {
	return &Error{Status: http.StatusPreconditionFailed, Code: "stale", Message: "somebody else changed this meanwhile; read it again"}
}

// Invalid says that values will not do, all of them at once.
func Invalid(problems ...Problem) *Error {
	e := &Error{Status: http.StatusUnprocessableEntity, Code: "invalid", Message: "some values will not do", Problems: problems}
	if len(problems) == 1 {
		e.Message = problems[0].Message
	}
	return e
}

func badRequest(message string, problems ...Problem) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "bad_request", Message: message, Problems: problems}
}

func unauthenticated(message string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: "unauthenticated", Message: message}
}

func forbidden(message string) *Error {
	return &Error{Status: http.StatusForbidden, Code: "forbidden", Message: message}
}

func limited(message string, seconds int) *Error {
	return &Error{Status: http.StatusTooManyRequests, Code: "too_many", Message: message, retryAfter: seconds}
}

func broken(code, message string) *Error {
	return &Error{Status: http.StatusInternalServerError, Code: code, Message: message}
}

// explain turns any error into one for the caller. What it does not know it
// calls internal; the text of such an error is for the log alone.
func explain(err error) (e *Error, known bool) {
	var lim *auth.LimitedError
	var rule *auth.RuleError
	switch {
	case errors.As(err, &e):
		return e, true
	case errors.As(err, &lim):
		return limited(lim.Error(), auth.Seconds(lim.RetryAfter)), true
	case errors.As(err, &rule):
		return Invalid(Problem{Pointer: "/" + rule.Field, Message: rule.Text}), true
	case errors.Is(err, auth.ErrCredentials):
		return unauthenticated(auth.ErrCredentials.Error()), true
	case errors.Is(err, auth.ErrBusy):
		return limited(auth.ErrBusy.Error(), 1), true
	case errors.Is(err, auth.ErrNoUser):
		return NotFound(auth.ErrNoUser.Error()), true
	case errors.Is(err, auth.ErrUserExists):
		return Conflict(auth.ErrUserExists.Error()), true
	case errors.Is(err, auth.ErrLastAdmin):
		return Conflict(auth.ErrLastAdmin.Error()), true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return broken("interrupted", "the request ended before it was answered"), true
	}
	return broken("internal", "something went wrong; the log says what"), false
}

// asJSON writes any value. Text that is no valid UTF-8 is mended, since it may come
// from anybody; < and > are escaped, so that an answer is harmless wherever it
// is pasted.
func asJSON(v any) ([]byte, error) {
	return json.Marshal(v, jsontext.AllowInvalidUTF8(true), jsontext.EscapeForHTML(true), json.Deterministic(true))
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	data, err := asJSON(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // the caller is gone
	return nil
}

// refuse tells the caller of err.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e, known := explain(err)
	if !known {
		c.o.Logger.ErrorContext(r.Context(), "console request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	if err := writeJSON(w, e.Status, errorAnswer{e}); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

type errorAnswer struct {
	Error *Error `json:"error"`
}

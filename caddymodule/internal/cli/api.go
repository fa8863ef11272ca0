package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

// answerWithin is how long the API may take: a test of a provider is the
// longest it does.
const answerWithin = time.Minute

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

// maxPages bounds how many parts of a list are asked for.
const maxPages = 1000

// api asks the console's API by some way.
type api struct{ way Way }

// APIError is a refusal of the API.
type APIError struct {
	Status   int
	Code     string            `json:"code"`
	Message  string            `json:"message"`
	Problems []console.Problem `json:"problems"`
}

// Error returns the message and, one a line, the problems.
func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString(clean(e.Message))
	for _, p := range e.Problems {
		if p.Message == e.Message {
			if p.Hint != "" {
				b.WriteString("; " + clean(p.Hint))
			}
			continue
		}
		b.WriteString("\n  ")
		if p.Pointer != "" {
			b.WriteString(clean(p.Pointer) + ": ")
		}
		b.WriteString(clean(p.Message))
		if p.Hint != "" {
			b.WriteString("; " + clean(p.Hint))
		}
	}
	return b.String()
}

// get asks for path and decodes the answer into v.
func (a *api) get(ctx context.Context, path string, query url.Values, v any) error {
	data, err := a.raw(ctx, path, query)
	if err != nil {
		return err
	}
	return decode(data, v)
}

// raw is get for the answer as it is.
func (a *api) raw(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	data, _, err := a.do(ctx, http.MethodGet, path, query, nil, "")
	return data, err
}

// send makes a change and returns the answer. body nil is an empty body.
func (a *api) send(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	data, _, err := a.do(ctx, method, path, nil, body, "")
	return data, err
}

func (a *api) do(ctx context.Context, method, path string, query url.Values, body any, match string) (json.RawMessage, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return nil, nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://aimux"+path, bytes.NewReader(payload))
	if err != nil {
		return nil, nil, err
	}
	r.URL.RawQuery = query.Encode()
	r.Header.Set("Content-Type", "application/json")
	if match != "" {
		r.Header.Set("If-Match", match)
	}
	res, err := a.way.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer of %s: %w", a.way, err)
	}
	if res.StatusCode >= 300 {
		return nil, nil, refusal(res.StatusCode, data)
	}
	return data, res.Header, nil
}

// refusal reads an error of the console, or of Caddy's admin endpoint in front
// of it.
func refusal(status int, data []byte) error {
	var ours struct {
		Error *APIError `json:"error"`
	}
	var caddys struct {
		Error string `json:"error"`
	}
	e := &APIError{Message: fmt.Sprintf("the answer was %d %s", status, strings.ToLower(http.StatusText(status)))}
	if json.Unmarshal(data, &ours) == nil && ours.Error != nil {
		e = ours.Error
	} else if json.Unmarshal(data, &caddys) == nil && caddys.Error != "" {
		e.Message = caddys.Error
	}
	e.Status = status
	return e
}

func decode(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("the answer is not what docs/api.md says: %w", err)
	}
	return nil
}

// list asks for all parts of a list, or for as many rows as limit says, and
// returns one answer with all rows.
func (a *api) list(ctx context.Context, path, member string, query url.Values, limit int) (json.RawMessage, error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", "500")
	var first map[string]json.RawMessage
	rows := []json.RawMessage{}
	for range maxPages {
		if left := limit - len(rows); limit > 0 && left < 500 {
			query.Set("limit", fmt.Sprint(left))
		}
		var part map[string]json.RawMessage
		if err := a.get(ctx, path, query, &part); err != nil {
			return nil, err
		}
		var more []json.RawMessage
		if err := decode(part[member], &more); err != nil {
			return nil, err
		}
		rows = append(rows, more...)
		if first == nil {
			first = part
		}
		var next string
		if json.Unmarshal(part["next"], &next) != nil || next == "" || limit > 0 && len(rows) >= limit {
			break
		}
		query.Set("cursor", next)
	}
	delete(first, "next")
	data, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	first[member] = data
	return json.Marshal(first)
}

// pathOf joins the steps of a path, each escaped.
func pathOf(steps ...string) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// encode writes what a command says itself, beside the API's answers.
func encode(v any) (json.RawMessage, error) { return json.Marshal(v) }

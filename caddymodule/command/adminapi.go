package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// adminAPI reaches the console's API by Caddy's admin endpoint.
type adminAPI struct{}

// adminAddress is where the running server's admin endpoint is, as the Caddyfile
// says it.
func adminAddress() string { return cmp.Or(os.Getenv("AIMUX_ADMIN"), "localhost:2019") }

// Call asks. What the server refuses is an error with its words.
func (adminAPI) Call(ctx context.Context, method, path string, in, out any) error {
	r, err := apiRequest(ctx, method, "/aimux"+path, in)
	if err != nil {
		return err
	}
	answer, err := caddycmd.AdminAPIRequest(adminAddress(), method, r.URL.String(), r.Header, r.Body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return readAnswer(answer.Body, out)
}

// apiRequest is a request with a value as JSON, unless it is nil.
func apiRequest(ctx context.Context, method, url string, in any) (*http.Request, error) {
	if in == nil {
		return http.NewRequestWithContext(ctx, method, url, nil)
	}
	data, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err == nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, err
}

// maxAPIAnswer bounds what is read of one answer.
const maxAPIAnswer = 16 << 20

func readAnswer(body io.Reader, out any) error {
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(body, maxAPIAnswer)).Decode(out)
}

// running reports whether a server answers at the admin endpoint.
func (adminAPI) running() bool {
	answer, err := caddycmd.AdminAPIRequest(adminAddress(), http.MethodGet, "/aimux/status", nil, nil)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return true
}

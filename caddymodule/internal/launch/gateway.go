package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// State is how an address answers.
type State string

// The states of an address.
const (
	Absent  State = "absent"  // nobody listens
	Foreign State = "foreign" // somebody else does
	Busy    State = "busy"    // a gateway that does not take work now
	Ready   State = "ready"
)

// Gateway is a gateway as its clients see it.
type Gateway struct {
	// URL is its address without a path.
	URL string
	// Transport asks it. Default: http.DefaultTransport.
	Transport http.RoundTripper
}

// probeLimit bounds one question.
const probeLimit = 5 * time.Second

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 4 << 20

// CheckURL returns an error unless text is the address of a gateway.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("the gateway's address is not one such as http://127.0.0.1:8080")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the gateway's address has a user, a query or a fragment")
	}
	return nil
}

// Local reports whether the gateway would be on this machine, so that it can be
// started.
func (g Gateway) Local() bool {
	u, err := url.Parse(g.URL)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// Probe asks who listens.
func (g Gateway) Probe(ctx context.Context) (State, error) {
	status, body, err := g.get(ctx, "/", "")
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Absent, nil
	case err != nil:
		return Foreign, err
	case status != http.StatusOK || !strings.HasPrefix(string(body), "aimux "):
		return Foreign, nil
	}
	status, _, err = g.get(ctx, "/readyz", "")
	if err == nil && status == http.StatusOK {
		return Ready, nil
	}
	return Busy, err
}

// ErrRefused says that the gateway does not take the token.
var ErrRefused = errors.New("the gateway does not take this key")

// Names lists the aliases of the gateway that a client with a token may ask for.
// Patterns are not among them. The error is ErrRefused if the token is not
// taken, or if there is none and the gateway asks for one.
func (g Gateway) Names(ctx context.Context, token string) ([]string, error) {
	status, body, err := g.get(ctx, "/v1/models", token)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, ErrRefused
	case status != http.StatusOK:
		return nil, fmt.Errorf("%s/v1/models answers %d", g.URL, status)
	}
	var list struct {
		Data []struct {
			ID      string `json:"id"`
			OwnedBy string `json:"owned_by"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("reading the gateway's models: %w", err)
	}
	var names []string
	for _, m := range list.Data {
		if m.OwnedBy == "aimux" {
			names = append(names, m.ID)
		}
	}
	return names, nil
}

// get asks for a page. Redirects are not followed: a token goes to nobody else.
func (g Gateway) get(ctx context.Context, path, token string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(g.URL, "/")+path, nil)
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	transport := g.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return 0, nil, fmt.Errorf("asking %s: %w", g.URL, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return answer.StatusCode, body, err
}

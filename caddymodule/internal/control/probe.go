package control

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// probeLimit is how long a test may take.
const probeLimit = 15 * time.Second

// probe asks for the list of models with one of the provider's keys.
func (p *Plane) probe(ctx context.Context, x *gateway.Provider, name string) (console.TestResult, error) {
	key, err := chooseKey(x, name)
	if err != nil {
		return console.TestResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	r, err := probeRequest(ctx, x.Vendor, key)
	if err != nil {
		return console.TestResult{Code: "no_key", Message: err.Error()}, nil
	}
	begun := time.Now()
	answer, err := x.Client.RoundTrip(r)
	if err != nil {
		return unreached(err, time.Since(begun)), nil
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 1<<20)
	code, message := statusText(answer.StatusCode)
	return console.TestResult{
		OK: answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusTooManyRequests, Status: answer.StatusCode,
		Code: code, Message: message, MS: millis(time.Since(begun)),
	}, nil
}

func chooseKey(x *gateway.Provider, name string) (*keypool.Key, error) {
	all := x.Keys.Keys()
	for _, k := range all {
		if k.Name == name || name == "" {
			return k, nil
		}
	}
	return nil, console.NotFound("the provider has no key of that name")
}

// probeRequest is the request for the list of models, which no vendor charges
// for.
func probeRequest(ctx context.Context, v *provider.Vendor, key *keypool.Key) (*http.Request, error) {
	for _, d := range [...]llm.Dialect{llm.OpenAI, llm.Anthropic, llm.Responses} {
		e, ok := v.Endpoints[d]
		if !ok {
			continue
		}
		address := e.URL(d, provider.CallModels)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		if key.Secret != nil {
			secret, err := key.Secret(ctx)
			if err != nil {
				return nil, err
			}
			e.Authorize(r.Header, secret)
		}
		return r, nil
	}
	return nil, errors.New("the provider has no address")
}

// unreached says in a word and a sentence why there was no answer.
func unreached(err error, took time.Duration) console.TestResult {
	out := console.TestResult{MS: millis(took), Code: "unreachable", Message: "the provider could not be reached: " + err.Error()}
	var name *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		out.Code, out.Message = "timeout", "the provider did not answer in time"
	case errors.As(err, &name):
		out.Code, out.Message = "no_such_host", "the provider's host name cannot be found"
	}
	return out
}

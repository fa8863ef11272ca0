package gateway

import (
	"bytes"
	"io"
	"net/http"
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/egress"
	"github.com/aimux/aimux/caddymodule/internal/jsonscan"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
)

// payload is a request body that can be read from its beginning any number of
// times.
type payload struct {
	open   func() io.ReadCloser
	length int64
}

// fresh is the payload of bytes that belong to this attempt alone.
func fresh(data []byte) payload {
	return payload{func() io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }, int64(len(data))}
}

// encode makes the request for the provider. In the client's own dialect it is
// the client's bytes with the model's name replaced, so that prompt caches,
// signatures, unknown fields and betas survive; what a vendor is known to
// refuse is spliced out. In another dialect it is a translation.
func (a *try) encode(secret string) (*upstream.Request, *llm.Error) {
	var (
		body payload
		err  *llm.Error
	)
	policy := a.provider.policy(a.upstream.Name(), a.target.Model)
	a.dropped = nil
	a.asked = a.asksUsage(policy)
	switch {
	case a.translates():
		body, err = a.translate(policy)
	case a.outline.offends(a.Dialect, policy):
		body, err = a.edit(policy)
	default:
		body = a.splice()
	}
	if err != nil {
		return nil, err
	}
	to, bad := a.provider.url(a.upstream.Name(), a.Exchange.endpoint.call)
	if bad != nil {
		return nil, asError(bad)
	}
	header := a.header()
	a.endpoint.Authorize(header, secret)
	if a.gateway.Trace != nil {
		if parent := a.gateway.Trace(&a.Record); parent != "" {
			header["Traceparent"] = []string{parent}
		}
	}
	return &upstream.Request{URL: to, Header: header, Body: body.open, Length: body.length, Drains: a.Stream}, nil
}

// translates reports whether the provider is asked in another dialect than the
// client's.
func (a *try) translates() bool { return a.upstream.Name() != a.Dialect }

// asksUsage reports whether the provider has to be asked to state the tokens of
// a Chat stream, which it does only on request.
func (a *try) asksUsage(policy *dialect.Policy) bool {
	return a.gateway.AskUsage && a.Stream && a.Dialect == llm.OpenAI && !a.translates() &&
		!slices.Contains(a.outline.seen, "stream_options") && !concerns(policy, "stream_options")
}

// small is the size of a body below which a copy is cheaper than a reader that
// net/http does not know: it sends those in a packet of their own.
const small = 64 << 10

// splice replaces the model's name and no other byte. Large bodies are not
// copied: the readers borrow the exchange's buffer.
func (a *try) splice() payload {
	o, lender := &a.outline, a.body
	data, start, end := o.data, o.modelStart, o.modelEnd
	name := data[start:end]
	if a.target.Model != o.model {
		name = jsonscan.AppendString(nil, a.target.Model)
	}
	if a.asked {
		name = append(name[:len(name):len(name)], `,"stream_options":{"include_usage":true}`...)
	}
	if len(data) < small {
		whole := append(make([]byte, 0, len(data)+len(name)), data[:start]...)
		return fresh(append(append(whole, name...), data[end:]...))
	}
	return payload{
		open: func() io.ReadCloser {
			r, _ := jsonscan.Splice(data, start, end, name)
			return lender.lend(r)
		},
		length: int64(len(data) - (end - start) + len(name)),
	}
}

// edit replaces the model's name and applies what the vendor's policy says of
// top-level fields.
func (a *try) edit(policy *dialect.Policy) (payload, *llm.Error) {
	body := a.splice()
	buf := bytes.NewBuffer(make([]byte, 0, body.length+bytes.MinRead))
	r := body.open()
	defer r.Close()
	if _, err := buf.ReadFrom(r); err != nil {
		return payload{}, asError(err)
	}
	edited, dropped, err := dialect.ApplyPolicy(buf.Bytes(), a.Dialect, policy)
	if err != nil {
		return payload{}, asError(err)
	}
	a.dropped = dropped
	return fresh(edited), nil
}

func (a *try) translate(policy *dialect.Policy) (payload, *llm.Error) {
	begun := a.gateway.Now()
	defer func() { a.encoding = a.gateway.Now().Sub(begun) }()
	r, e := a.common()
	if e != nil {
		return payload{}, e
	}
	data, dropped, err := a.upstream.EncodeRequest(r, &dialect.Target{
		Provider: a.provider.Name, Vendor: a.provider.Vendor.Kind, Model: a.target.Model, Policy: policy,
	})
	if err != nil {
		return payload{}, asError(err)
	}
	a.dropped = dropped
	return fresh(data), nil
}

// header makes the header of a request to a provider: from nothing, plus what
// the dialect's own vendors understand of the client's. Credentials, cookies,
// proxy headers and what SDKs tell about the client's machine stay behind.
func (a *try) header() http.Header {
	h := make(http.Header, 12)
	h["Content-Type"] = contentJSON
	h["Accept-Encoding"] = identity
	h["Accept"] = contentJSON
	if a.Stream {
		h["Accept"] = acceptStream
	}
	if a.translates() {
		h["User-Agent"] = userAgent
		return h
	}
	egress.RequestHeaders(h, a.request.Header)
	if h.Get("User-Agent") == "" {
		h["User-Agent"] = userAgent
	}
	return h
}

var (
	contentJSON  = []string{"application/json"}
	acceptStream = []string{"text/event-stream"}
	identity     = []string{"identity"}
	userAgent    = []string{"aimux"}
)

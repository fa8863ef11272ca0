package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Clients tells who may use the gateway. It must not do I/O: it stands before
// everything that is worth protecting.
type Clients interface {
	// Identify returns the client with that credential who calls from that
	// address, or the error to answer with. credential is empty if the request
	// had none.
	Identify(credential string, from netip.Addr) (Client, *llm.Error)
}

// Client is one who may use the gateway, and how much of it.
type Client interface {
	// Name and Team are empty for a client without a key.
	Name() string
	Team() string
	// Allows reports whether the client may ask for a model, by the name it
	// uses, in a dialect.
	Allows(model string, d llm.Dialect) bool
	// Reserve takes from the client's limits what a request may come to, or says
	// which of them is in the way.
	Reserve(Ask) (Grant, *Denial)
}

// Ask is the most a request may come to.
type Ask struct {
	Tokens int64 // input and output
	Cost   int64 // micro-dollars
	Now    time.Time
}

// Grant is what was reserved for a request.
type Grant interface {
	// Settle replaces the reservation by what the request came to. It is called
	// once.
	Settle(tokens, cost int64, now time.Time)
}

// everyone is the gateway without client keys: on a laptop, behind loopback.
type everyone struct{}

func (everyone) Identify(string, netip.Addr) (Client, *llm.Error) { return anybody{}, nil }

// anybody is a client without a key, and without limits.
type anybody struct{}

func (anybody) Name() string                    { return "" }
func (anybody) Team() string                    { return "" }
func (anybody) Allows(string, llm.Dialect) bool { return true }
func (anybody) Reserve(Ask) (Grant, *Denial)    { return unlimited{}, nil }

type unlimited struct{}

func (unlimited) Settle(int64, int64, time.Time) {}

// authenticate asks Clients who it is, before anything of the body is read.
// What the client sent as its key stays here: no stage after this one sees it,
// and no provider is sent it.
func (x *Exchange) authenticate() *llm.Error {
	if e := x.gateway.fromElsewhere(x.request); e != nil {
		return e
	}
	client, err := x.gateway.identify(x.request)
	if err != nil {
		return err
	}
	x.client, x.Client, x.Team = client, client.Name(), client.Team()
	return nil
}

// fromElsewhere refuses what a web page of another site sends, as long as there
// are no client keys: a browser lets every page send requests to this machine, even
// though it shows the page no answer, and they would be paid for. Browsers say so
// in Sec-Fetch-Site (W3C Fetch Metadata); those that do not know it, in Origin.
func (g *Gateway) fromElsewhere(r *http.Request) *llm.Error {
	if _, open := g.Clients.(everyone); !open {
		return nil
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
	case "":
		origin, err := url.Parse(r.Header.Get("Origin"))
		if err != nil || origin.Scheme != "http" && origin.Scheme != "https" || origin.Host == r.Host {
			return nil
		}
	default:
		return nil
	}
	return &llm.Error{Type: llm.ErrForbidden, Status: http.StatusForbidden, Code: "cross_site",
		Message: "a web page of another site may not use this gateway without a client key; make one with: aimux clients create NAME"}
}

func (g *Gateway) identify(r *http.Request) (Client, *llm.Error) {
	return g.Clients.Identify(credential(r.Header), g.ClientIP(r))
}

// credential reads the client's key from either of the two headers clients use
// on every path.
func credential(h http.Header) string {
	if scheme, token, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(token)
	}
	return h.Get("X-Api-Key")
}

// peer is the address a request's connection comes from.
func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, _ := netip.ParseAddr(host)
	return addr.Unmap()
}

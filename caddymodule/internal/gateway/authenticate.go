package gateway

import (
	"net/http"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Clients tells who may use the gateway. It must not do I/O: it stands before
// everything that is worth protecting.
type Clients interface {
	// Identify returns the name of the client with that credential, or the
	// error to answer with. credential is empty if the request had none.
	Identify(credential string) (name string, err *llm.Error)
}

// everyone is the gateway without client keys: on a laptop, behind loopback.
type everyone struct{}

func (everyone) Identify(string) (string, *llm.Error) { return "", nil }

// authenticate asks Clients who it is. What the client sent as its key stays
// here: no stage after this one sees it, and no provider is sent it.
func (x *Exchange) authenticate() *llm.Error {
	name, err := x.gateway.Clients.Identify(credential(x.request.Header))
	x.Client = name
	return err
}

// credential reads the client's key from either of the two headers clients use
// on every path.
func credential(h http.Header) string {
	if scheme, token, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(token)
	}
	return h.Get("X-Api-Key")
}

package failover

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// payload judges an answer with a good status whose body is no answer.
func payload(v *provider.Vendor, a *Answer, r *report) Verdict {
	d := Verdict{
		Class: llm.ClassTransient, Reason: ReasonBadPayload, Scope: ScopeTarget,
		TryNextTarget: a.Phase != PhaseStream, RetrySame: a.Phase != PhaseStream && r.shape != shapeHTML,
	}
	switch {
	case r.shape == shapeEmpty || a.Status == http.StatusNoContent:
		d.Reason, d.Message = ReasonEmpty, fmt.Sprintf("status %d with an empty body", a.Status)
	case r.shape == shapeHTML:
		d.Message = fmt.Sprintf("status %d with a web page instead of an answer", a.Status)
	case r.shape == shapeText:
		d.Message = fmt.Sprintf("status %d with text that is no answer", a.Status)
	case r.shape == shapeBroken:
		d.Message = fmt.Sprintf("status %d with JSON that is cut or malformed", a.Status)
	default:
		d.Message = fmt.Sprintf("status %d with JSON that is no answer", a.Status)
	}
	d.Err = unreachable(v, d.Reason)
	return d
}

// redirected judges a redirect, which is never followed: the key would travel
// to an address nobody configured.
func redirected(v *provider.Vendor, a *Answer) Verdict {
	d := Verdict{
		Class: llm.ClassTransient, Reason: ReasonRedirect, Scope: ScopeTarget,
		TryNextTarget: a.Phase != PhaseStream,
		Message:       fmt.Sprintf("status %d: a redirect, which is not followed", a.Status),
		Note:          "check the base URL",
	}
	if to, err := url.Parse(a.Header.Get("Location")); err == nil && to.Host != "" {
		d.Message = Scrub(fmt.Sprintf("status %d: a redirect to %s, which is not followed", a.Status, to.Host))
	}
	d.Err = unreachable(v, d.Reason)
	return d
}

// unreachable is what the client hears when nobody could answer. It names the
// vendor and the kind of failure, never an address.
func unreachable(v *provider.Vendor, reason string) *llm.Error {
	e := &llm.Error{Class: llm.ClassTransient, Type: llm.ErrUpstream, Status: http.StatusBadGateway}
	switch reason {
	case ReasonConnectTimeout, ReasonTLSTimeout, ReasonTTFT, ReasonIdle, ReasonNoProgress, ReasonDeadline, ReasonH2PingTimeout:
		e.Type, e.Status = llm.ErrTimeout, http.StatusGatewayTimeout
		e.Message = fmt.Sprintf("%s did not answer in time (%s)", name(v), reason)
	case ReasonDNS, ReasonRefused, ReasonConnect, ReasonTLS:
		e.Message = fmt.Sprintf("%s could not be reached (%s)", name(v), reason)
	case ReasonTruncated, ReasonResetPre, ReasonResetHdr, ReasonStaleConn, ReasonGoAway, ReasonH2Refused, ReasonLength:
		e.Message = fmt.Sprintf("%s closed the connection early (%s)", name(v), reason)
	default:
		e.Message = fmt.Sprintf("%s sent no usable answer (%s)", name(v), reason)
	}
	return e
}

// Package failover says what a failed attempt means: Classify turns an answer
// or a transport error into a Verdict, which tells how long what shall rest,
// what may be tried next and what the client hears if nothing else works.
// Pacing reads from successful answers how much is left, and Budget bounds how
// often anything is tried again.
//
// Decisions are taken in one order: the vendor's business code in the body
// (also in a body with HTTP 200 and inside a stream), then the HTTP status,
// then the wording; never the error's type alone, because vendors label a
// spent plan rate_limit_error.
//
// The package keeps no state apart from Budget, reads no clock, and never
// blocks. Its functions are safe for concurrent use.
package failover

import (
	"slices"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Verdict is what a failed attempt means.
type Verdict struct {
	Class llm.Class
	// Reason is the result code of logs and metrics: one of the Reason
	// constants, which are bounded.
	Reason string
	// Code is the vendor's own code, or "".
	Code string
	// Message is the vendor's message or the transport's error, with keys and
	// internal hosts taken out and shortened. It is for the operator's log.
	Message string
	// Note is advice for the operator, or "".
	Note string
	// Wait is how long the answer asks to wait, within the bounds its class
	// allows. It counts only if WaitKnown; otherwise the rest is the caller's
	// to choose (its ladder).
	Wait      time.Duration
	WaitKnown bool
	// Until is the moment Wait ends, or zero.
	Until time.Time
	// Clamped says that the answer asked for more or less than Wait.
	Clamped bool
	// Scope is what should rest. ScopeNone beside a class that otherwise rests
	// something wins over the class: the caller records neither failure nor
	// success, with the key's pool or with the target's breaker. Blameless
	// tells those verdicts.
	Scope Scope
	// RetrySame: the same key and target may be asked once more.
	// TryNextKey: another key of the same target may help.
	// TryNextTarget: another target may help.
	RetrySame, TryNextKey, TryNextTarget bool
	// Tokens and Limit are the request's size and the limit it broke, of an
	// overflow or a request larger than a rate bucket. 0: unknown.
	Tokens, Limit int
	// Err is what the client is told if nothing else works.
	Err *llm.Error
}

// Blameless reports whether neither the key nor the target is at fault,
// although the class is one that is held against them: a request larger than
// the whole rate bucket, a conflict, a connection that had gone stale. The
// caller then counts the attempt for nothing. The client's own faults need no
// such care, as their classes rest nothing.
func (d *Verdict) Blameless() bool {
	return d.Scope == ScopeNone && (d.Class == llm.ClassRate || d.Class == llm.ClassTransient)
}

// Scope is what a failure puts to rest.
type Scope uint8

// The scopes, from nothing to everything behind one address.
const (
	ScopeNone     Scope = iota // nothing rests
	ScopeKeyModel              // this key for this model (or its account for this model)
	ScopeKey                   // this key
	ScopeAccount               // every key of the key's account
	ScopeTarget                // the endpoint and model, whatever the key: breaker evidence
)

var scopeNames = [...]string{"none", "key_model", "key", "account", "target"}

// String returns the name used in logs.
func (s Scope) String() string {
	if int(s) < len(scopeNames) {
		return scopeNames[s]
	}
	return "unknown"
}

// The reasons a Verdict gives: the result codes of the fault matrix.
const (
	ReasonDNS            = "dns"
	ReasonRefused        = "refused"
	ReasonConnectTimeout = "connect_timeout"
	ReasonConnect        = "connect" // any other failure to connect: no route, address not allowed
	ReasonTLS            = "tls"
	ReasonTLSTimeout     = "tls_timeout"
	ReasonResetPre       = "reset_pre" // sent, no answer: the provider may have billed it
	ReasonStaleConn      = "stale_conn"
	ReasonResetHdr       = "reset_hdr"
	ReasonGoAway         = "goaway"
	ReasonH2Refused      = "h2_refused"
	ReasonH2PingTimeout  = "h2_ping_timeout"
	ReasonProtocol       = "protocol"
	ReasonLength         = "length_mismatch"
	ReasonRedirect       = "redirect"
	ReasonTTFT           = "ttft_timeout"
	ReasonIdle           = "idle_timeout"
	ReasonNoProgress     = "no_progress"
	ReasonDeadline       = "deadline"
	ReasonTruncated      = "truncated"
	ReasonEventTooLarge  = "event_too_large"
	ReasonRateLimited    = "rate_limited"
	ReasonConcurrency    = "concurrency"
	ReasonQuota          = "quota"
	ReasonFairUse        = "fair_use"
	ReasonPlanDead       = "plan_dead"
	ReasonAuth           = "auth"
	ReasonDenied         = "denied"
	ReasonModelMissing   = "model_missing"
	ReasonUpstream408    = "upstream_408"
	ReasonConflict       = "conflict"
	ReasonTooLarge       = "too_large"
	ReasonClientFault    = "client_fault"
	ReasonUpstream5xx    = "upstream_5xx"
	ReasonOverloaded     = "overloaded"
	ReasonErrorIn200     = "error_in_200"
	ReasonErrorFirst     = "error_first_event"
	ReasonUpstreamError  = "upstream_error" // an error event after content
	ReasonBadPayload     = "bad_payload"
	ReasonEmpty          = "empty"
	ReasonEncoding       = "encoding"
	ReasonCanceled       = "canceled"
	// What ends an exchange from outside; no answer is at fault.
	ReasonDraining       = "draining"
	ReasonClientStalled  = "client_stalled"
	ReasonClientDeadline = "client_deadline"
	ReasonLocalLimit     = "local_limit" // this machine is out of descriptors
)

// reasons are all of them.
var reasons = [...]string{
	ReasonDNS, ReasonRefused, ReasonConnectTimeout, ReasonConnect, ReasonTLS, ReasonTLSTimeout, ReasonResetPre,
	ReasonStaleConn, ReasonResetHdr, ReasonGoAway, ReasonH2Refused, ReasonH2PingTimeout, ReasonProtocol,
	ReasonLength, ReasonRedirect, ReasonTTFT, ReasonIdle, ReasonNoProgress, ReasonDeadline, ReasonTruncated,
	ReasonEventTooLarge, ReasonRateLimited, ReasonConcurrency, ReasonQuota, ReasonFairUse, ReasonPlanDead,
	ReasonAuth, ReasonDenied, ReasonModelMissing, ReasonUpstream408, ReasonConflict, ReasonTooLarge,
	ReasonClientFault, ReasonUpstream5xx, ReasonOverloaded, ReasonErrorIn200, ReasonErrorFirst,
	ReasonUpstreamError, ReasonBadPayload, ReasonEmpty, ReasonEncoding, ReasonCanceled,
	ReasonDraining, ReasonClientStalled, ReasonClientDeadline, ReasonLocalLimit,
}

// Reasons returns every reason a Verdict can give.
func Reasons() []string { return slices.Clone(reasons[:]) }

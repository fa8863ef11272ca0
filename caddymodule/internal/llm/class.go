package llm

// Class says what a failed attempt means for the key that was used, for the
// target, and for the client. Every provider's errors are reduced to these.
type Class uint8

// The classes of failure. ClassNone is the zero value: the attempt succeeded,
// or has not ended.
const (
	ClassNone        Class = iota
	ClassAuth              // the key is wrong, revoked or expired
	ClassBalance           // prepaid money is gone
	ClassPlanDead          // the subscription expired, or the key is of the wrong kind
	ClassQuota             // a plan window (5 h, day, week, month) is spent until a stated time
	ClassRate              // too many requests or tokens a minute
	ClassConcurrency       // too many requests in flight on this key
	ClassOverload          // the provider is busy; nobody here is at fault
	ClassModelDenied       // this key or plan may not use the model, or it does not exist
	ClassFairUse           // the account is throttled by policy
	ClassContext           // the prompt is longer than the model takes
	ClassBadRequest        // the request itself is at fault
	ClassContent           // a safety filter refused
	ClassTransient         // 5xx, reset, timeout, cut or malformed answer
	ClassCanceled          // the client went away
)

var classNames = [...]string{
	ClassNone: "ok", ClassAuth: "auth", ClassBalance: "balance", ClassPlanDead: "plan_dead",
	ClassQuota: "quota", ClassRate: "rate_limited", ClassConcurrency: "concurrency",
	ClassOverload: "overloaded", ClassModelDenied: "model_denied", ClassFairUse: "fair_use",
	ClassContext: "context", ClassBadRequest: "bad_request", ClassContent: "content",
	ClassTransient: "transient", ClassCanceled: "canceled",
}

// String returns the name used in logs, metrics and the decision record.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// ClientFault reports whether the same request would fail anywhere, so that
// neither another key nor another target is tried.
func (c Class) ClientFault() bool {
	return c == ClassContext || c == ClassBadRequest || c == ClassContent
}

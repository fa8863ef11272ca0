package route

import (
	"fmt"
	"strings"
)

// UnknownModelError says that no alias, target or pattern has the name.
type UnknownModelError struct {
	Name string
	// Near lists the known names most like it, the most alike first.
	Near []string
}

// Error names the model and what may have been meant.
func (e *UnknownModelError) Error() string {
	if len(e.Near) == 0 {
		return fmt.Sprintf("no model %q", e.Name)
	}
	return fmt.Sprintf("no model %q; did you mean %s?", e.Name, strings.Join(e.Near, ", "))
}

// NoneFitError says that the name is known but no target behind it can serve
// the request.
type NoneFitError struct {
	Name string
	// Reasons has every target and why it does not fit.
	Reasons []Misfit
}

// Misfit is a target that cannot serve a request, and why.
type Misfit struct {
	Target *Target
	Reason Reason
}

// Error lists the targets with their reasons.
func (e *NoneFitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no target of %q fits the request", e.Name)
	for i, m := range e.Reasons {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s %s", sep, m.Target.ID, m.Reason)
	}
	return b.String()
}

// Only returns the reason all targets share, if they do.
func (e *NoneFitError) Only() (Reason, bool) {
	for _, m := range e.Reasons {
		if m.Reason != e.Reasons[0].Reason {
			return "", false
		}
	}
	if len(e.Reasons) == 0 {
		return "", false
	}
	return e.Reasons[0].Reason, true
}

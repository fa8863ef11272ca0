package client

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Within reports, as an error that names the first excess, whether r could do
// anything that issuer cannot: ask for another model, use another dialect, come
// from elsewhere, last longer, use more, or be of another team. Nobody may issue
// a key that fails it.
func (r *Record) Within(issuer *Record) error {
	if issuer.Team != "" && r.Team != issuer.Team {
		return fmt.Errorf("team %q: the issuer is of team %q", r.Team, issuer.Team)
	}
	if !issuer.Expires.IsZero() && (r.Expires.IsZero() || r.Expires.After(issuer.Expires)) {
		return fmt.Errorf("expiry: the issuer's own key ends at %s", issuer.Expires.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if err := r.Scope.Within(&issuer.Scope); err != nil {
		return err
	}
	return r.Limits.within(issuer.Limits)
}

// Within reports, as an error that names the first excess, whether s allows
// anything that issuer does not.
func (s *Scope) Within(issuer *Scope) error {
	if err := covered("model", s.Models, issuer.Models, modelWithin); err != nil {
		return err
	}
	if err := covered("dialect", s.Dialects, issuer.Dialects, func(a, b llm.Dialect) bool { return a == b }); err != nil {
		return err
	}
	return covered("network", s.Networks, issuer.Networks, networkWithin)
}

// covered checks that each of wants lies within one of has. No list is everything.
func covered[T any](what string, wants, has []T, within func(want, has T) bool) error {
	if len(has) == 0 {
		return nil
	}
	if len(wants) == 0 {
		return fmt.Errorf("%ss: the issuer's own are restricted, so these must be named", what)
	}
	for _, want := range wants {
		if !slices.ContainsFunc(has, func(h T) bool { return within(want, h) }) {
			return fmt.Errorf("%s \"%v\": beyond what the issuer may use", what, want)
		}
	}
	return nil
}

// modelWithin reports whether every name that want matches is matched by has.
func modelWithin(want, has string) bool {
	beginning, open := strings.CutSuffix(has, "*")
	if open {
		return strings.HasPrefix(strings.TrimSuffix(want, "*"), beginning)
	}
	return want == has
}

func networkWithin(want, has netip.Prefix) bool {
	return want.Addr().Is4() == has.Addr().Is4() && want.Bits() >= has.Bits() && has.Contains(want.Addr())
}

// within reports whether every limit of l is at least as tight.
func (l Limits) within(issuer Limits) error {
	own, most := l.fields(), issuer.fields()
	for i := range own {
		if most[i].value > 0 && (own[i].value == 0 || own[i].value > most[i].value) {
			return fmt.Errorf("%s %d: the issuer's own is %d", own[i].name, own[i].value, most[i].value)
		}
	}
	return nil
}

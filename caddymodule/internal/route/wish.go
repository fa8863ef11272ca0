package route

import (
	"fmt"
	"strings"
)

// Wish is what a single request asks of the router, in the header
//
//	X-Aimux-Route: strategy=cheapest, provider=zai, only=zai|minimax, no-failover
//
// The items may come in any order; provider and only may be repeated.
type Wish struct {
	// Strategy replaces the alias's, if not empty.
	Strategy Strategy
	// Prefer names providers, or targets as provider/model, to be asked first.
	Prefer []string
	// Only names the providers or targets that may be asked at all.
	Only []string
	// NoFailover says that one target is asked and no other.
	NoFailover bool
}

// The bounds of a wish: it comes from a client.
const (
	maxWishLength = 1024
	maxWishNames  = 16
)

// ParseWish reads the header's value. The empty value is no wish.
func ParseWish(header string) (Wish, error) {
	var w Wish
	if len(header) > maxWishLength {
		return w, fmt.Errorf("longer than %d bytes", maxWishLength)
	}
	for item := range strings.SplitSeq(header, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		if err := w.add(item); err != nil {
			return Wish{}, err
		}
	}
	return w, nil
}

func (w *Wish) add(item string) (err error) {
	name, value, given := strings.Cut(item, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case name == "no-failover" && !given:
		w.NoFailover = true
	case name == "no-failover":
		return fmt.Errorf("no-failover takes no value, not %q", value)
	case name == "strategy" && value != "":
		w.Strategy, err = ParseStrategy(value)
	case name == "provider" && value != "":
		w.Prefer, err = addNames(w.Prefer, value)
	case name == "only" && value != "":
		w.Only, err = addNames(w.Only, value)
	case name == "strategy", name == "provider", name == "only":
		return fmt.Errorf("%s needs a value", name)
	default:
		return fmt.Errorf("no wish %q; there are strategy=, provider=, only= and no-failover", name)
	}
	return err
}

// addNames adds the names in value, which "|" separates.
func addNames(names []string, value string) ([]string, error) {
	for name := range strings.SplitSeq(value, "|") {
		name = strings.TrimSpace(name)
		if name == "" {
			return nil, fmt.Errorf("empty name in %q", value)
		}
		if len(names) == maxWishNames {
			return nil, fmt.Errorf("more than %d names", maxWishNames)
		}
		names = append(names, name)
	}
	return names, nil
}

// String returns the wish as a header value that ParseWish reads back.
func (w Wish) String() string {
	var items []string
	if w.Strategy != "" {
		items = append(items, "strategy="+string(w.Strategy))
	}
	if len(w.Prefer) > 0 {
		items = append(items, "provider="+strings.Join(w.Prefer, "|"))
	}
	if len(w.Only) > 0 {
		items = append(items, "only="+strings.Join(w.Only, "|"))
	}
	if w.NoFailover {
		items = append(items, "no-failover")
	}
	return strings.Join(items, ", ")
}

// names reports whether one of names is t or its provider.
func (t *Target) named(names []string) bool {
	for _, n := range names {
		if strings.EqualFold(n, t.Provider) || strings.EqualFold(n, t.ID) {
			return true
		}
	}
	return false
}

package schema

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// purposeNames are the kinds of request with a rule of their own.
var purposeNames = []string{"thinking", "vision", "tools", "long_context", "small_fast"}

// defaultAlias is every available target, unless rows say otherwise.
const defaultAlias = "default"

// routes checks the rows of models.
func (c *checker) routes() {
	id := identifiedBy("alias", "provider", "model")
	seen := map[string]string{}
	for at, row := range rowsOf(c.tree["models"], "/models") {
		provider := text(row, "provider")
		if c.refersTo(at+"/provider", provider) {
			c.model(provider, text(row, "model"), at+"/model")
			if p, _ := c.provider(provider); !enabled(p) && enabled(row) {
				c.warn(at+"/provider", "the provider "+quote(provider)+" is switched off", "")
			}
		}
		if name, ok := id(row); ok {
			if first, twice := seen[name]; twice {
				c.twice(at, first, "the row "+quote(name)+" stands twice", "keep one of them")
			} else {
				seen[name] = at
			}
		}
	}
}

// aliasNames yields the aliases that have rows, sorted.
func (c *checker) aliasNames() iter.Seq[string] {
	names := map[string]bool{defaultAlias: true}
	for _, row := range rowsOf(c.tree["models"], "") {
		if a := text(row, "alias"); a != "" {
			names[a] = true
		}
	}
	return slices.Values(slices.Sorted(maps.Keys(names)))
}

// aliases checks the settings of aliases and where purposes lead.
func (c *checker) aliases() {
	names := slices.Collect(c.aliasNames())
	next := map[string]map[string]string{} // purpose → alias → alias it leads to
	for name, a := range entries(c.tree["aliases"]) {
		at := "/aliases/" + escapePointer(name)
		if !slices.Contains(names, name) {
			hint := didYouMean(name, slices.Values(names))
			if hint == "" {
				hint = "add a row with this alias to models"
			}
			c.problem(at, "no row of models has the alias "+quote(name), hint)
		}
		for _, purpose := range purposeNames {
			if to := text(a, purpose); to != "" {
				c.target(to, at+"/"+purpose, names)
				if next[purpose] == nil {
					next[purpose] = map[string]string{}
				}
				next[purpose][name] = to
			}
		}
	}
	for _, purpose := range purposeNames {
		if to := text(object(object(c.tree["routing"])["purposes"]), purpose); to != "" {
			c.target(to, "/routing/purposes/"+purpose, names)
		}
		c.cycles(purpose, next[purpose])
	}
}

// cycles reports aliases that send the requests of a purpose round in a circle.
// An alias that names itself keeps them, which is no circle.
func (c *checker) cycles(purpose string, next map[string]string) {
	done := map[string]bool{}
	for _, start := range slices.Sorted(maps.Keys(next)) {
		path := []string{}
		for name := start; !done[name] && next[name] != "" && next[name] != name; name = next[name] {
			if i := slices.Index(path, name); i >= 0 {
				circle := append(slices.Clone(path[i:]), name)
				c.problem("/aliases/"+escapePointer(name)+"/"+purpose, "the aliases lead round in a circle: "+strings.Join(circle, " → "), "let one of them name provider/model, or itself")
				break
			}
			path = append(path, name)
		}
		for _, name := range path {
			done[name] = true
		}
	}
}

// target checks the name of an alias or of a provider's model.
func (c *checker) target(to, at string, aliases []string) {
	if slices.Contains(aliases, to) {
		return
	}
	provider, model, direct := strings.Cut(to, "/")
	if direct {
		if _, ok := c.provider(provider); ok {
			c.model(provider, model, at)
			return
		}
	}
	for _, a := range aliases {
		if prefix, ok := strings.CutSuffix(a, "*"); ok && strings.HasPrefix(to, prefix) {
			return
		}
	}
	candidates := slices.Values(aliases)
	if direct {
		if near, ok := nearest(provider, c.providerNames()); ok {
			c.problem(at, "no provider "+quote(provider), "did you mean "+quote(near+"/"+model)+"?")
			return
		}
	}
	hint := didYouMean(to, candidates)
	if hint == "" {
		hint = "name an alias of models, or provider/model"
	}
	c.problem(at, "no alias "+quote(to), hint)
}

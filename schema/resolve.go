package schema

import (
	"slices"
	"strconv"
)

// maxNumberedKeys is how many NAME_2, NAME_3 … variables are looked for.
const maxNumberedKeys = 32

// resolver fills in what a document may leave out because the environment says
// it: the keys of providers without a row and, in an empty document, the
// providers themselves.
type resolver struct {
	tree  map[string]any
	known Known
	env   func(string) (string, bool)

	implicit bool
	origins  map[string]origin // of what was added, by pointer
	used     []string          // environment variables keys were found in
}

// resolve adds to the tree. Nothing is read from the variables but whether they
// are set.
func (r *resolver) resolve() {
	r.origins = map[string]origin{}
	if wanted, said := r.tree["discover"].(bool); wanted || !said && namesNothing(r.tree) {
		r.implicit = isEmpty(r.tree["models"])
		r.discover()
	}
	for name, p := range entries(r.tree["providers"]) {
		if _, ok := p["kind"]; !ok {
			p["kind"] = name
			r.origins["/providers/"+escapePointer(name)+"/kind"] = origin{layer: LayerDefault}
		}
		if enabled(p) && !r.hasKey(name) {
			k, _ := r.known.kind(text(p, "kind"))
			r.addKeys(name, k)
		}
	}
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// namesNothing says whether a document leaves it to the environment which
// providers are used.
func namesNothing(tree map[string]any) bool {
	return isEmpty(tree["providers"]) && isEmpty(tree["keys"]) && isEmpty(tree["models"])
}

// discover makes an entry of every kind whose usual variable is set and that no
// provider is of, or of the simulator when there would be no provider at all.
func (r *resolver) discover() {
	providers, ok := r.tree["providers"].(map[string]any)
	if !ok && r.tree["providers"] != nil {
		return // the schema says what is wrong with it
	}
	if providers == nil {
		providers = map[string]any{}
	}
	listed := map[string]bool{}
	for name, p := range entries(providers) {
		listed[name], listed[text(p, "kind")] = true, true
	}
	for name := range r.known.names() {
		k := r.known.Kinds[name]
		if vars := r.keyVariables(k); k.Discover && len(vars) > 0 && !listed[name] {
			providers[name] = map[string]any{}
			r.origins["/providers/"+escapePointer(name)] = origin{layer: layerEnv + vars[0], variable: vars[0]}
		}
	}
	if _, ok := r.known.Kinds[SimulatorKind]; ok && len(providers) == 0 {
		providers[SimulatorKind] = map[string]any{}
		r.origins["/providers/"+SimulatorKind] = origin{layer: LayerDefault}
	}
	if len(providers) > 0 {
		r.tree["providers"] = providers
	}
}

// keyVariables lists the variables that are set and hold a key of a kind: the
// first of its names that is set, and NAME_2, NAME_3 and so on.
func (r *resolver) keyVariables(k Kind) []string {
	if r.env == nil {
		return nil
	}
	var out []string
	for _, name := range k.Env {
		if r.isSet(name) {
			out = append(out, name)
		}
		for i := 2; i <= maxNumberedKeys; i++ {
			if numbered := name + "_" + strconv.Itoa(i); r.isSet(numbered) {
				out = append(out, numbered)
			}
		}
		if len(out) > 0 {
			break
		}
	}
	return out
}

func (r *resolver) isSet(name string) bool {
	v, ok := r.env(name)
	return ok && v != ""
}

// hasKey says whether a provider has a row in keys, in use or not.
func (r *resolver) hasKey(provider string) bool {
	for _, row := range rowsOf(r.tree["keys"], "") {
		if text(row, "provider") == provider {
			return true
		}
	}
	return false
}

// addKeys adds a row for each variable that holds a key. The names of the rows
// are "env", "env-2" and so on.
func (r *resolver) addKeys(provider string, k Kind) {
	rows, ok := r.tree["keys"].([]any)
	if !ok && r.tree["keys"] != nil {
		return
	}
	for i, variable := range r.keyVariables(k) {
		name := "env"
		if i > 0 {
			name += "-" + strconv.Itoa(i+1)
		}
		at := "/keys/" + strconv.Itoa(len(rows))
		from := origin{layer: layerEnv + variable, variable: variable}
		row := map[string]any{"provider": provider, "name": name, "secret": "env:" + variable}
		for member := range row {
			r.origins[at+"/"+member] = from
		}
		r.origins[at] = from
		rows = append(rows, row)
		r.used = append(r.used, variable)
	}
	if len(rows) > 0 {
		r.tree["keys"] = rows
	}
}

// lookupEnv returns a look-up of "NAME=value" entries, the last of a name
// counting, and the names.
func lookupEnv(environ []string) (func(string) (string, bool), []string) {
	vars := make(map[string]string, len(environ))
	for _, entry := range environ {
		for i := 1; i < len(entry); i++ {
			if entry[i] == '=' {
				vars[entry[:i]] = entry[i+1:]
				break
			}
		}
	}
	names := make([]string, 0, len(vars))
	for name := range vars {
		names = append(names, name)
	}
	slices.Sort(names)
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}, names
}

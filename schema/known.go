package schema

import (
	"iter"
	"maps"
	"slices"
)

// Known is what the rules need to know of the provider catalogue. The zero value
// knows nothing and so complains of no kind and no model.
type Known struct {
	// Kinds are the catalogue's entries by kind.
	Kinds map[string]Kind
}

// Kind is what the rules need to know of one entry of the catalogue.
type Kind struct {
	// Also lists other names of the kind.
	Also []string
	// Models lists the model ids and their other names.
	Models []string
	// AnyModel says that the provider has models the catalogue does not list.
	AnyModel bool
	// Env lists the environment variables its key is usually kept in, the usual
	// one first. Further keys are found as NAME_2, NAME_3 and so on.
	Env []string
	// NeedsBaseURL says that the kind has no address of its own.
	NeedsBaseURL bool
	// KeyOptional says that the kind answers without a key.
	KeyOptional bool
	// Local says that the kind runs on the user's own machine, where http will do.
	Local bool
	// Discover says that the kind is used when its environment variable is set and
	// the configuration names no provider at all.
	Discover bool
}

// SimulatorKind is the kind that answers when nothing else is configured.
const SimulatorKind = "simulator"

// kind finds an entry by its name or one of its other names.
func (k Known) kind(name string) (Kind, bool) {
	if entry, ok := k.Kinds[name]; ok {
		return entry, true
	}
	for _, entry := range k.Kinds {
		if slices.Contains(entry.Also, name) {
			return entry, true
		}
	}
	return Kind{}, false
}

func (k Known) names() iter.Seq[string] {
	return slices.Values(slices.Sorted(maps.Keys(k.Kinds)))
}

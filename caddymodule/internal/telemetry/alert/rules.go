package alert

import "slices"

// Rules returns the rules that are watched, with their defaults filled in.
func (w *Watch) Rules() []Rule {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.o.Rules)
}

// Summary says in a sentence what is wrong.
func (a *Alert) Summary() string { return summary(&Event{Alert: *a}) }

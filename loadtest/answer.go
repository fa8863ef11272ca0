package main

import "fmt"

// answer says what the provider answers with: a number of words, in a stream so many a second.
type answer struct {
	words int // 0: 50
	pace  int // 0: all at once
}

// answers returns those that the usual gateway knows.
func answers() []answer {
	return []answer{{}, {words: 1000}, {pace: 50}, {pace: 10}, {pace: 5}}
}

func (a answer) count() int {
	if a.words == 0 {
		return 50
	}
	return a.words
}

// model is the name that makes the simulator answer so.
func (a answer) model() string {
	if a.pace > 0 {
		return fmt.Sprintf("sim-ok-tokens-%d-rate-%d", a.count(), a.pace)
	}
	return fmt.Sprintf("sim-ok-tokens-%d-tag-a", a.count())
}

// alias is the name under which aimux has this answer of providers that speak the given dialects.
func (a answer) alias(speaks dialects) string {
	return fmt.Sprintf("load-%s-of-%d-at-%d", [...]string{"chat", "both", "messages", "compatible"}[speaks], a.count(), a.pace)
}

// firstAlias and firstModel are what a process is asked for to see that it answers.
var (
	firstAlias = answer{}.alias(chatOnly)
	firstModel = answer{}.model()
)

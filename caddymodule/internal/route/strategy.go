package route

import "fmt"

// Strategy says how targets of one tier are ranked.
type Strategy string

// The strategies. The zero value is Fastest.
const (
	Fastest       Strategy = "fastest"         // least expected time to a useful answer
	Cheapest      Strategy = "cheapest"        // least expected cost
	Ordered       Strategy = "ordered"         // as the configuration lists them
	Weighted      Strategy = "weighted"        // at random, in proportion to the weights
	RoundRobin    Strategy = "round_robin"     // each in turn
	LeastInFlight Strategy = "least_in_flight" // fewest requests under way, by weight
)

// Strategies lists all strategies.
func Strategies() []Strategy {
	return []Strategy{Fastest, Cheapest, Ordered, Weighted, RoundRobin, LeastInFlight}
}

// ParseStrategy returns the strategy called name; the empty name is Fastest.
func ParseStrategy(name string) (Strategy, error) {
	if name == "" {
		return Fastest, nil
	}
	for _, s := range Strategies() {
		if string(s) == name {
			return s, nil
		}
	}
	return "", fmt.Errorf("no strategy %q; there are %v", name, Strategies())
}

// sticky reports whether a session's target is kept under the strategy. Ordered
// and Cheapest already say which target is wanted.
func (s Strategy) sticky() bool { return s != Ordered && s != Cheapest }

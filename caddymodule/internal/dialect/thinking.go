package dialect

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// ownMark is how the base64 of a signature that aimux made begins.
const ownMark = "YWltdXgx"

// OwnSignature returns a signature for a thinking block whose text another
// dialect's provider wrote. It proves nothing; it marks the block as not
// Anthropic's, so that it is never sent there.
func OwnSignature(text string) string {
	return base64.StdEncoding.EncodeToString([]byte("aimux1:" + digest(text)))
}

// IsOwnSignature reports whether OwnSignature made s.
func IsOwnSignature(s string) bool { return strings.HasPrefix(s, ownMark) }

// efforts in order, each with the budget in tokens it stands for where a
// provider wants a number.
var efforts = [...]struct {
	name   string
	budget int
}{
	{"none", 0}, {"minimal", 1024}, {"low", 4096}, {"medium", 8192},
	{"high", 24576}, {"xhigh", 32768}, {"max", 65536},
}

func effortRank(name string) int {
	for i := range efforts {
		if efforts[i].name == name {
			return i
		}
	}
	return -1
}

// EffortBudget is the number of thinking tokens that effort stands for; 0 for
// none and for unknown names.
func EffortBudget(effort string) int {
	if i := effortRank(effort); i >= 0 {
		return efforts[i].budget
	}
	return 0
}

// BudgetEffort is the effort a budget of thinking tokens stands for.
func BudgetEffort(budget int) string {
	switch {
	case budget <= 1024:
		return "low"
	case budget <= 8192:
		return "medium"
	case budget <= 24576:
		return "high"
	}
	return "xhigh"
}

// Effort is the effort r asks for in words, or "" to leave it to the model:
// adaptive thinking without an effort says nothing.
func Effort(r *llm.Reasoning) string {
	switch {
	case r == nil:
		return ""
	case r.Mode == "disabled":
		return "none"
	case r.Effort != "":
		return r.Effort
	case r.Budget > 0:
		return BudgetEffort(r.Budget)
	}
	return ""
}

// NearestEffort is effort if it is among allowed, else the nearest of them,
// the stronger of two equally near. Without a list every effort is allowed.
func NearestEffort(effort string, allowed []string) string {
	want := effortRank(effort)
	if effort == "" || len(allowed) == 0 || slices.Contains(allowed, effort) || want < 0 {
		return effort
	}
	best, bestGap := "", len(efforts)+1
	for _, a := range allowed {
		rank := effortRank(a)
		gap := max(rank-want, want-rank)
		if rank >= 0 && (gap < bestGap || gap == bestGap && rank > effortRank(best)) {
			best, bestGap = a, gap
		}
	}
	return best
}

package console

import "github.com/aimux/aimux/caddymodule/internal/console/auth"

// Declared is a row of the route table, for tests.
type Declared struct {
	Method, Pattern, Action string
	Role                    auth.Role
	Unset                   bool
}

// Declarations is the route table.
func Declarations() (out []Declared) {
	for _, r := range routes() {
		out = append(out, Declared{r.method, r.pattern, r.action, r.role, r.unset})
	}
	return out
}

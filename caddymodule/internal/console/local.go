package console

import (
	"context"
	"net/http"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

type localKey struct{}

// Local returns the API for callers whom somebody else has let in: commands on
// this machine, by way of the server's admin endpoint or of no server at all.
// Each of them is who. The caller's own guard decides on host names; what a web
// page could send on a user's behalf is refused here too.
func (c *Console) Local(who auth.Identity) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !safe(r.Method) {
			if err := c.honest(r); err != nil {
				c.refuse(w, r, err)
				return
			}
		}
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		if err := c.serve(w, r.WithContext(context.WithValue(r.Context(), localKey{}, who))); err != nil {
			c.refuse(w, r, err)
		}
	})
}

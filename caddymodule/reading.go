package caddymodule

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/aimux/aimux/schema"
)

// reading is the configuration that was read last, kept until it is provisioned.
// Caddy hands an adapted document over as JSON, a moment later and in the same
// process wherever it starts with a Caddyfile; to parse and check the same bytes
// again would say the same.
type reading struct {
	mu      sync.Mutex
	result  *schema.Result
	path    string
	environ []string
	at      time.Time
}

// readingLasts is how long what was read holds. Secrets in files may go.
const readingLasts = 5 * time.Second

// lastReading is that of this process.
var lastReading reading

// keep remembers a result, unless there are doubts about it: a secret that was
// not there is one, and nothing to serve with.
func (r *reading) keep(path string, environ []string, result *schema.Result, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.result = nil; len(result.Warnings) == 0 {
		r.result, r.path, r.environ, r.at = result, path, environ, now
		time.AfterFunc(readingLasts, func() { r.forget(result) })
	}
}

// forget lets go of a result, with the secrets in it, that nobody provisioned.
func (r *reading) forget(result *schema.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.result == result {
		r.result = nil
	}
}

// take returns what was read from path if it is the document given and the
// environment is still the same, and forgets it; otherwise nil.
func (r *reading) take(path string, environ []string, document json.RawMessage, now time.Time) *schema.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	result := r.result
	r.result = nil
	if result == nil || now.Sub(r.at) > readingLasts || path != r.path || !bytes.Equal(document, result.Raw) || !slices.Equal(environ, r.environ) {
		return nil
	}
	return result
}

package keypool

import (
	"errors"
	"fmt"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// ErrNoKey says that no key of the pool may be used for the model at all.
var ErrNoKey = errors.New("no key serves this model")

// ErrAllTried says that the only keys that could be used were tried already.
var ErrAllTried = errors.New("every usable key has been tried")

// RestingError says that every key that could be used is resting.
type RestingError struct {
	// Until is when the first of them may be tried.
	Until time.Time
	// Class is why that one rests.
	Class llm.Class
}

// Error names the reason and the time in UTC.
func (e *RestingError) Error() string {
	return fmt.Sprintf("every key rests (%s) until %s", e.Class, e.Until.UTC().Format(time.RFC3339))
}

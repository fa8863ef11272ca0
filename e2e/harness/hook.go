package harness

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Hook receives alerts by webhook.
type Hook struct {
	*httptest.Server
	// Secret is what the alerts must be signed with; empty: they must not be.
	Secret string

	mu     sync.Mutex
	fail   int // so many requests are answered with 503
	tries  int
	events []AlertEvent
	bad    error
}

// AlertEvent is an alert as a webhook receives it.
type AlertEvent struct {
	ID, Rule, Metric, Severity, Subject, State, Why, Summary string
	Value, Threshold                                         float64
	At                                                       time.Time
}

// NewHook starts a receiver whose first requests fail. It ends with the test.
func NewHook(t T, secret string, fail int) *Hook {
	h := &Hook{Secret: secret, fail: fail}
	h.Server = httptest.NewServer(http.HandlerFunc(h.receive))
	t.Cleanup(h.Close)
	return h
}

func (h *Hook) receive(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tries++
	if h.fail > 0 {
		h.fail--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var e AlertEvent
	if err := h.check(r.Header.Get("X-Aimux-Signature"), body); err != nil {
		h.bad = err
	}
	if err := json.Unmarshal(body, &e); err != nil {
		h.bad = err
	}
	h.events = append(h.events, e)
}

// check verifies a signature as the documentation tells receivers to.
func (h *Hook) check(signature string, body []byte) error {
	if h.Secret == "" {
		if signature != "" {
			return fmt.Errorf("signed with nothing: %s", signature)
		}
		return nil
	}
	stamp, sum, ok := strings.Cut(strings.TrimPrefix(signature, "t="), ",v1=")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if !ok || err != nil {
		return fmt.Errorf("no signature: %q", signature)
	}
	if age := time.Since(time.Unix(seconds, 0)).Abs(); age > 5*time.Minute {
		return fmt.Errorf("signed %s ago", age)
	}
	mac := hmac.New(sha256.New, []byte(h.Secret))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	if want := hex.EncodeToString(mac.Sum(nil)); want != sum {
		return fmt.Errorf("signature %s, want %s", sum, want)
	}
	return nil
}

// Events returns the alerts that arrived, as "rule subject state".
func (h *Hook) Events() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]string, len(h.events))
	for i, e := range h.events {
		out[i] = strings.Join(strings.Fields(e.Rule+" "+e.Subject+" "+e.State), " ")
	}
	return out
}

// State returns how many requests came and what was wrong with them.
func (h *Hook) State() (tries int, bad error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tries, h.bad
}

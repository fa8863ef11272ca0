package provider

import (
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// QuotaProbe is a vendor's free question after what is left of a plan.
type QuotaProbe struct {
	// URL is the whole address, asked with GET.
	URL string
	// Bare says the key is sent in Authorization without "Bearer".
	Bare bool
	// Read understands the answer.
	Read func(body []byte, now time.Time) Quota
}

// Request returns the request that asks it.
func (p *QuotaProbe) Request(key string) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodGet, p.URL, nil)
	if err != nil {
		return nil, err
	}
	if !p.Bare {
		key = "Bearer " + key
	}
	req.Header.Set("Authorization", key)
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// Quota is what a quota endpoint said.
type Quota struct {
	// Class is ClassNone if the key may be used, else why not: ClassAuth,
	// ClassPlanDead, ClassBalance, ClassQuota; ClassTransient if the answer
	// could not be read.
	Class llm.Class
	// Until is when a spent window ends, or zero.
	Until time.Time
	// Windows are the plan's windows, in the order given.
	Windows []Window
	// Balance is the money left as the vendor writes it ("$15.00", "110.00 CNY"), or "".
	Balance string
	// Level is the plan's name, or "".
	Level string
}

// Window is one window of a plan.
type Window struct {
	Name string // "5h", "week", "month"
	// Left is the part that is left, 0 to 1; -1 if unknown.
	Left float64
	// Reset is when it fills again (or gains its next tick), or zero.
	Reset time.Time
}

// judge sets Class and Until from the windows: a spent one rests the key until
// its reset; of several, the last.
func (q Quota) judge() Quota {
	for _, w := range q.Windows {
		if w.Left != 0 {
			continue
		}
		q.Class = llm.ClassQuota
		if w.Reset.After(q.Until) {
			q.Until = w.Reset
		}
	}
	return q
}

package main

import (
	"encoding/json"
	"io"
	"time"
)

// Report is the result of one call, as -json writes it. Times are in milliseconds, memory is in millions of bytes.
type Report struct {
	Time       time.Time `json:"time"`
	Go         string    `json:"go"`
	OS         string    `json:"os"`
	Arch       string    `json:"arch"`
	CPUs       int       `json:"cpus"`
	Pinned     bool      `json:"pinned"` // the tested process had a processor of its own
	Rounds     int       `json:"rounds"`
	Scale      float64   `json:"scale"`
	LoadBefore float64   `json:"load_before"` // load average of the machine
	LoadAfter  float64   `json:"load_after"`
	Scenarios  []Result  `json:"scenarios"`
}

// Result is the answer to one scenario's question.
type Result struct {
	Name     string   `json:"name"`
	Question string   `json:"question"`
	Seconds  float64  `json:"seconds"`
	Rows     []Row    `json:"rows"`
	Checks   []Check  `json:"checks"`
	Notes    []string `json:"notes,omitempty"`
}

// Row is one line of a scenario's table. What was not measured is 0. Values are medians over the rounds unless the name
// of the field says otherwise; Errors and Requests are sums.
type Row struct {
	Load      string  `json:"load,omitempty"`
	Path      string  `json:"path"`
	Requests  int     `json:"requests"`
	Errors    int     `json:"errors"`
	PerSecond float64 `json:"requests_per_second,omitempty"`
	P50       float64 `json:"p50_ms,omitempty"`
	P99       float64 `json:"p99_ms,omitempty"`
	Added50   float64 `json:"added_p50_ms,omitempty"` // over the direct or the healthy row
	Added99   float64 `json:"added_p99_ms,omitempty"`
	TTFT50    float64 `json:"ttft_p50_ms,omitempty"`
	TTFT99    float64 `json:"ttft_p99_ms,omitempty"`
	CPU       float64 `json:"cpu_s_per_1000,omitempty"`
	Idle      float64 `json:"idle_rss_mb,omitempty"`
	Anonymous float64 `json:"idle_heap_and_stacks_mb,omitempty"` // the part of Idle that is not the program's file
	RSS       float64 `json:"peak_rss_mb,omitempty"`
	PerStream float64 `json:"kb_per_stream,omitempty"`
	Attempts  float64 `json:"attempts_per_request,omitempty"`
	Least     float64 `json:"least_ms,omitempty"`
	Most      float64 `json:"most_ms,omitempty"`
}

// Check compares a measured value with the threshold that is enforced and the target that is not. Smaller is better.
type Check struct {
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Bound  float64 `json:"bound"`
	Target float64 `json:"target,omitempty"` // 0: none
	Unit   string  `json:"unit,omitempty"`   // "" for ratios and counts
	// Unknown says that the value could not be measured here, which breaks nothing.
	Unknown bool `json:"unknown,omitempty"`
}

// Broken says that the value is beyond the threshold.
func (c Check) Broken() bool { return !c.Unknown && c.Value > c.Bound }

// Verdict says in a few words how the value stands to threshold and target.
func (c Check) Verdict() string {
	switch {
	case c.Unknown:
		return "not measured here"
	case c.Broken():
		return "BROKEN"
	case c.Target > 0 && c.Value > c.Target:
		return "ok, short of the target"
	}
	return "ok"
}

// ratioCheck is a check of a ratio, which is unknown when it is 0.
func ratioCheck(what string, value, bound, target float64) Check {
	return Check{What: what, Value: value, Bound: bound, Target: target, Unknown: value == 0}
}

// Broken returns how many checks are broken.
func (r *Report) Broken() int {
	n := 0
	for _, s := range r.Scenarios {
		for _, c := range s.Checks {
			if c.Broken() {
				n++
			}
		}
	}
	return n
}

// WriteJSON writes the report as indented JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

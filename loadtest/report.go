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
	Changes    []Change  `json:"changes,omitempty"` // against the results of -compare
}

// Result is the answer to one scenario's question.
type Result struct {
	Name     string   `json:"name"`
	Question string   `json:"question"`
	Seconds  float64  `json:"seconds"`
	Rows     []Row    `json:"rows"`
	Checks   []Check  `json:"checks"`
	Notes    []string `json:"notes,omitempty"`
	Plots    []Plot   `json:"plots,omitempty"`
}

// Plot is what a scenario shows over time.
type Plot struct {
	Title string `json:"title"`
	X     string `json:"x"`
	Y     string `json:"y"`
	Lines []Line `json:"lines"`
}

// Line is one of a plot's lines. A value stands for the span of time that begins at its place times Step.
type Line struct {
	Name   string    `json:"name"`
	Step   float64   `json:"step"`
	Values []float64 `json:"values"`
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
	Started   float64 `json:"started_rss_mb,omitempty"`          // after the first request
	Idle      float64 `json:"idle_rss_mb,omitempty"`             // after some seconds without any
	Anonymous float64 `json:"idle_heap_and_stacks_mb,omitempty"` // the part of Idle that is not the program's file
	RSS       float64 `json:"peak_rss_mb,omitempty"`
	PerStream float64 `json:"kb_per_stream,omitempty"`
	Attempts  float64 `json:"attempts_per_request,omitempty"`
	Least     float64 `json:"least_ms,omitempty"`
	Most      float64 `json:"most_ms,omitempty"`
	Accept    float64 `json:"accept_ms,omitempty"` // until a connection was accepted

	Allocations float64   `json:"allocations_per_request,omitempty"`
	Allocated   float64   `json:"kb_allocated_per_request,omitempty"`
	Open        int       `json:"most_streams_open,omitempty"`
	Refused     int       `json:"refused,omitempty"`        // a sum
	Refusal99   float64   `json:"refusal_p99_ms,omitempty"` // how long a refusal took
	After       float64   `json:"rss_after_mb,omitempty"`   // some time after the load
	Curve       []float64 `json:"curve_ms,omitempty"`       // latencies, or times to the first content, at shares
}

// Check compares a measured value with the threshold that is enforced and the target that is not. Smaller is better.
type Check struct {
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Bound  float64 `json:"bound"`
	Target float64 `json:"target,omitempty"` // 0: none
	Unit   string  `json:"unit,omitempty"`   // "" for ratios and counts
	// Aim says that the value is held against the target alone: an absolute figure, which depends on the machine.
	Aim bool `json:"aim,omitempty"`
	// Unknown says that the value could not be measured here, which breaks nothing.
	Unknown bool `json:"unknown,omitempty"`
}

// Broken says that the value is beyond the threshold.
func (c Check) Broken() bool { return !c.Unknown && !c.Aim && c.Value > c.Bound }

// Verdict says in a few words how the value stands to threshold and target.
func (c Check) Verdict() string {
	switch {
	case c.Unknown:
		return "not measured here"
	case c.Broken():
		return "BROKEN"
	case c.Aim && c.Target == 0 && c.Bound > 0:
		return "not enforced"
	case c.Aim && c.Value > c.Target:
		return "short of the target"
	case c.Target > 0 && c.Value > c.Target:
		return "ok, short of the target"
	}
	return "ok"
}

// aimCheck is a check of an absolute figure against its target, which breaks nothing.
func aimCheck(what string, value, target float64, unit string) Check {
	return Check{What: what, Value: value, Target: target, Unit: unit, Aim: true}
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

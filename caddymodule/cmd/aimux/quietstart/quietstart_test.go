package quietstart

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// pace is the present setting.
func pace() int {
	set := debug.SetGCPercent(usual)
	debug.SetGCPercent(set)
	return set
}

func TestUntil_TheFirstCollectionBringsTheUsualPaceBack(t *testing.T) {
	for _, tc := range []struct {
		name      string
		meanwhile int // 0: nobody sets anything
		want      int
	}{{"nobody set another", 0, 90}, {"the app set its own", 400, 400}} {
		t.Run(tc.name, func(t *testing.T) {
			defer debug.SetGCPercent(debug.SetGCPercent(usual))
			until(250, 90)
			if got := pace(); got != 250 {
				t.Fatalf("at first the pace is %d", got)
			}
			if tc.meanwhile != 0 {
				debug.SetGCPercent(tc.meanwhile)
			}
			got := 0
			for range 100 {
				runtime.GC()
				if got = pace(); got == tc.want && tc.meanwhile == 0 {
					break
				}
				time.Sleep(time.Millisecond) // the cleanup runs on a goroutine of the runtime's
			}
			if got != tc.want {
				t.Errorf("after a collection the pace is %d, want %d", got, tc.want)
			}
		})
	}
}

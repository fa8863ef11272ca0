//go:build !crashpoints

package crash

import "testing"

func TestPoint_DoesNothingInAnOrdinaryBuild(t *testing.T) {
	t.Setenv("AIMUX_CRASH_AT", "here")
	Point("here")
	if Enabled {
		t.Error("Enabled in a build without the tag")
	}
}

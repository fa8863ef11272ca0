package secret

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestNoDumps_LeavesNoWayToDumpTheProcess(t *testing.T) {
	if err := NoDumps(); err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("limit of core dumps %+v, %v", limit, err)
	}
	if n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || n != 0 {
		t.Errorf("dumpable %d, %v", n, err)
	}
}

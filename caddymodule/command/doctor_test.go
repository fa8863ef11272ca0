package command

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

func TestDoctor_NamesWhatIsInTheWay(t *testing.T) {
	for want, err := range map[string]error{
		"its name cannot be resolved (DNS)": &net.DNSError{}, "no answer within 5s": os.ErrDeadlineExceeded, "else": errors.New("else"),
	} {
		if got := whyUnreached(err); got != want {
			t.Errorf("%v: %q", err, got)
		}
	}
	x := &examination{}
	x.clock(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	if x.findings[0].Level != "fail" {
		t.Errorf("a clock of 2020: %+v", x.findings)
	}
}

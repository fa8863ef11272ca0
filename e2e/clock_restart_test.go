package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// The wall clock of a process that runs cannot be moved from outside without
// moving everybody's: time namespaces leave it alone, and a binary without libc
// asks nobody who could lie. What happens to a running process is tested where
// the clock is a parameter (the packages clock, keypool, client, usage). Here
// it moves between two runs, which to the gateway is the same as moments in its
// files that are off the other way.

// moments finds what the state file says about time, in milliseconds.
var moments = regexp.MustCompile(`\b1\d{12}\b`)

// shifted moves all moments of a state file.
func shifted(text []byte, by time.Duration) []byte {
	return moments.ReplaceAllFunc(text, func(digits []byte) []byte {
		at, err := strconv.ParseInt(string(digits), 10, 64)
		Expect(err).NotTo(HaveOccurred())
		return strconv.AppendInt(nil, at+by.Milliseconds(), 10)
	})
}

// longestRest returns how long the longest rest of any key lasts from now; 0: none
// rests. A rest without an end by itself counts by its next probe.
func (n *node) longestRest() time.Duration {
	GinkgoHelper()
	_, text, err := n.call("GET", n.admin+"/aimux/keys", "")
	Expect(err).NotTo(HaveOccurred())
	var rows []struct {
		Keys []struct {
			Rests []struct{ Until, Probe *time.Time }
		}
	}
	Expect(json.Unmarshal([]byte(text), &rows)).To(Succeed())
	var longest time.Duration
	for _, row := range rows {
		for _, k := range row.Keys {
			for _, r := range k.Rests {
				for _, at := range []*time.Time{r.Until, r.Probe} {
					if at != nil {
						longest = max(longest, time.Until(*at))
					}
				}
			}
		}
	}
	return longest
}

var _ = Describe("A wall clock that was moved while the gateway was down", func() {
	It("87 leaves rests sane: never longer than they may be, and everybody is served", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		up.Script(simulator.Selector{Key: "limited"}, forever("429;retry-after=600"))
		up.Script(simulator.Selector{Key: "spent"}, forever("402"))
		n := newNode(fmt.Sprintf("version: 1\nproviders:\n  one:\n    kind: simulator\n    base_url: %q\n    allow_http: true\n"+
			"keys[3]{provider,name,secret}:\n  one,good,\"env:E2E_KEY\"\n  one,limited,\"env:E2E_LIMITED\"\n  one,spent,\"env:E2E_SPENT\"\nmodels[1]{alias,provider,model}:\n  \"*\",one,m\n", up.URL()))
		n.environment = []string{"E2E_LIMITED=limited", "E2E_SPENT=spent"}
		Expect(n.launch()).To(Succeed())
		for range 12 {
			status, _ := n.ask("m", "x")
			Expect(status).To(Equal(http.StatusOK))
		}
		Expect(n.longestRest()).To(BeNumerically(">", 9*time.Minute))
		n.stop()
		state, err := os.ReadFile(n.file("state.json"))
		Expect(err).NotTo(HaveOccurred())
		Expect(moments.FindAll(state, -1)).NotTo(BeEmpty())

		for name, by := range map[string]time.Duration{
			"unmoved": 0, "an hour forth": -time.Hour, "an hour back": time.Hour, "a day forth": -24 * time.Hour, "a day back": 24 * time.Hour,
			"back to 1970": 56 * 365 * 24 * time.Hour, "from 1970 to now": -25 * 365 * 24 * time.Hour,
		} {
			Expect(os.WriteFile(n.file("state.json"), shifted(state, by), 0o600)).To(Succeed())
			Expect(n.launch()).To(Succeed(), name)
			Expect(n.log()).NotTo(ContainSubstring("moved aside"), name)
			rest := n.longestRest()
			Expect(rest).To(BeNumerically("<=", 25*time.Hour), name) // a spent quota's longest
			if by == 0 {
				Expect(rest).To(BeNumerically(">", 9*time.Minute))
			}
			for range 6 {
				status, _ := n.ask("m", "x")
				Expect(status).To(Equal(http.StatusOK), name)
			}
			AddReportEntry(fmt.Sprintf("%s: the longest rest is %s", name, rest.Round(time.Second)))
			n.stop()
		}
	})
})

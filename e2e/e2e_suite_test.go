// Package e2e tests the built aimux binary over real sockets, as its users meet
// it: with the official SDKs and command-line clients in front and simulated
// providers behind.
//
//	go test ./e2e/...                                     all specs, one after the other
//	go tool -modfile=tools/go.mod ginkgo -p ./e2e         the same, side by side
//	AIMUX_BIN=/path/to/aimux go test ./e2e/...            another binary
//	AIMUX_E2E_RANDOM=20000 go test ./e2e/ -ginkgo.focus random
//
// Every spec brings its own providers, ports, directories and processes, and
// ends what it started.
package e2e

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/e2e/harness"
)

func TestE2E(t *testing.T) {
	if testing.Short() {
		t.Skip("the end-to-end suite is left out of -short")
	}
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(15 * time.Second)
	SetDefaultEventuallyPollingInterval(10 * time.Millisecond)
	RunSpecs(t, "aimux, end to end")
}

// The first process builds the binary if there is none; the others are told
// where it is.
var _ = SynchronizedBeforeSuite(func() []byte {
	path, err := harness.Binary()
	Expect(err).NotTo(HaveOccurred())
	return []byte(path)
}, func(path []byte) {
	Expect(os.Setenv(harness.BinaryEnv, string(path))).To(Succeed())
})

var _ = SynchronizedAfterSuite(func() {}, harness.RemoveBuilt)

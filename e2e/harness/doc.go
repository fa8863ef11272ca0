// Package harness runs the built aimux binary for the end-to-end specs: as a
// user would, with a Caddyfile and an aimux.toon in a directory of its own, on
// ports of its own, with an environment that holds nothing of the host's.
//
//	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
//	gw := harness.Start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
//	answer := gw.Ask(t, harness.Ask{Dialect: harness.Messages, Stream: true})
//
// What a call starts ends with the spec that made it; when the spec failed, the
// gateway's log is shown. Answers are read by an oracle that knows three good
// ends: a whole answer, an error of the dialect, a stream ended by the
// dialect's error event. Everything else is a lost request.
//
// The package needs only the few methods of T, so that ginkgo's GinkgoT and a
// *testing.T serve alike.
package harness

import "time"

// T is what the harness needs of a test.
type T interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	TempDir() string
}

// patience bounds every wait for something that should happen at once. It is
// there for what hangs: what is only slow on a crowded machine is no failure.
const patience = time.Minute

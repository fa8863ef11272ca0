// Command soak runs the built gateway under mixed traffic for a long time, with a fault
// every second and a change of configuration every half minute, and checks that
// nothing grows: heap after collection, goroutines, descriptors, the ledger's
// queue.
//
//	make soak SOAK=60m        the long form, meant for the background
//	make soak-short           five minutes
//	go run ./e2e/soak -for 20m -bin bin/aimux -out /some/where
//
// It writes a report as Markdown and as one HTML page with plots, and its exit
// status says whether all is well. The same for 75 seconds is a test of this
// package.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aimux/aimux/e2e/harness"
)

func main() {
	length := flag.Duration("for", time.Hour, "how long the traffic lasts")
	bin := flag.String("bin", "", "the binary to test (default: AIMUX_BIN, bin/aimux, or one built for it)")
	out := flag.String("out", filepath.Join(harness.Root(), "e2e", "soak", "report"), "where the report goes")
	rate := flag.Int("rate", 60, "requests a second, streams of their own not counted")
	streams := flag.Int("streams", 50, "streams that last half the soak")
	flag.Parse()
	if *bin != "" {
		must(os.Setenv(harness.BinaryEnv, *bin))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := plan{length: *length, rate: *rate, streams: *streams}
	b := &bench{}
	defer b.end()
	r, err := p.run(ctx, b)
	must(err)
	path, err := r.save(*out)
	must(err)
	fmt.Print(r.markdown())
	fmt.Println("\nreport:", path)
	if !r.good() {
		b.end()
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// ledgerRows is how many requests the ledger holds.
func ledgerRows(gw *harness.Gateway) (total int64) {
	GinkgoHelper()
	for _, s := range gw.Spent(GinkgoT(), "day") {
		total += s.Requests
	}
	return total
}

// ledgerUp is what the metrics say of the ledger.
func ledgerUp(gw *harness.Gateway) float64 {
	GinkgoHelper()
	return gw.Gauges(GinkgoT())[`caddy_aimux_store_up{store="ledger"}`]
}

// wantUnharmed sends requests and holds that they are answered, and quickly.
func wantUnharmed(gw *harness.Gateway) {
	GinkgoHelper()
	times := latencies(gw, 200)
	Expect(quantile(times, 0.5)).To(BeNumerically("<", 50*time.Millisecond), "what waits for the ledger waits for seconds")
	Expect(quantile(times, 0.9)).To(BeNumerically("<", 500*time.Millisecond))
}

var _ = Describe("The ledger in trouble", func() {
	start := func(more string) *harness.Gateway {
		GinkgoHelper()
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		return harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k")}, More: more})
	}

	It("killed in the middle of a run, loses a flush at most and says what it found", func() {
		gw := start("log:\n  exchanges: none\n")
		var mu sync.Mutex
		var done []time.Time // when answers were complete
		var stop atomic.Bool
		var wait sync.WaitGroup
		for i := range 12 {
			wait.Go(func() {
				for !stop.Load() {
					a := gw.AskContext(context.Background(), harness.Ask{Stream: i%2 == 0})
					if at := time.Now(); a.Outcome(16) == harness.OK {
						mu.Lock()
						done = append(done, at)
						mu.Unlock()
					}
				}
			})
		}
		written := 0.0
		for begun := time.Now(); time.Since(begun) < 3*time.Second; time.Sleep(20 * time.Millisecond) {
			written = gw.Counters(GinkgoT())[`caddy_aimux_store_written_total{store="ledger"}`]
		}
		killed := time.Now()
		gw.Kill()
		stop.Store(true)
		wait.Wait()
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		Eventually(func() []harness.LogLine { return gw.LogLines("ledger reopened") }).Should(ContainElement(
			HaveField("Raw", And(ContainSubstring("the last process did not close the file"), ContainSubstring("within 100 ms before its end")))))
		have, before := ledgerRows(gw), int64(0)
		for _, at := range done {
			if killed.Sub(at) > 1500*time.Millisecond { // a flush is 100 ms; a crowded machine lets it wait
				before++
			}
		}
		lost := int64(len(done)) - have
		AddReportEntry(fmt.Sprintf("%d answers in 3 s, %d rows lost: %.0f ms of traffic", len(done), lost, float64(lost)/float64(len(done))*3000))
		Expect(written).To(BeNumerically(">", 0))
		Expect(have).To(BeNumerically(">=", written), "what was said to be written is there")
		Expect(have).To(BeNumerically(">=", before))
		Expect(have).To(BeNumerically("<=", len(done)+12), "no more than were sent")
		Expect(gw.Ledger(GinkgoT()).OK).To(BeTrue())
		wantUnharmed(gw)
		Eventually(func() int64 { return ledgerRows(gw) }).Should(BeEquivalentTo(have + 200))
	})

	It("damaged, is put aside and begun anew", func() {
		gw := start("")
		wantUnharmed(gw)
		Eventually(func() int64 { return ledgerRows(gw) }).Should(BeEquivalentTo(200))
		Expect(gw.Stop()).To(Succeed())
		path := gw.DataFile("usage.db")
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		Expect(err).NotTo(HaveOccurred())
		info, err := file.Stat()
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))
		for at := int64(100); at < info.Size(); at += 4096 {
			_, err = file.WriteAt([]byte(strings.Repeat("damage ", 64)), at)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(file.Close()).To(Succeed())
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		wantUnharmed(gw)
		Eventually(func() harness.Condition { return gw.Ledger(GinkgoT()) }).Should(And(HaveField("OK", false), HaveField("Message", ContainSubstring("usage.db.damaged-"))))
		Expect(ledgerUp(gw)).To(BeZero())
		aside, err := filepath.Glob(path + ".damaged-*")
		Expect(err).NotTo(HaveOccurred())
		Expect(aside).NotTo(BeEmpty(), "what there was is kept")
		Eventually(func() int64 { return ledgerRows(gw) }).Should(BeEquivalentTo(200))
	})

	It("of another process is left to it, and taken over when that ends", func() {
		gw := start("")
		asks(gw, 20, harness.Ask{})
		Eventually(func() int64 { return ledgerRows(gw) }).Should(BeEquivalentTo(20))
		second := start("usage:\n  file: " + `"` + gw.DataFile("usage.db") + `"` + "\n")
		wantUnharmed(second)
		Eventually(func() harness.Condition { return second.Ledger(GinkgoT()) }).Should(And(HaveField("OK", false), HaveField("Message", ContainSubstring("200 rows wait, none were lost"))))
		Expect(ledgerUp(second)).To(BeZero())
		Expect(ledgerUp(gw)).To(Equal(1.0))
		asks(gw, 20, harness.Ask{})
		Eventually(func() int64 { return ledgerRows(gw) }).Should(BeEquivalentTo(40))
		Expect(gw.Stop()).To(Succeed())
		Eventually(func() harness.Condition { return second.Ledger(GinkgoT()) }).WithTimeout(40 * time.Second).Should(HaveField("OK", true))
		Eventually(func() int64 { return ledgerRows(second) }).Should(BeEquivalentTo(240))
		Expect(ledgerUp(second)).To(Equal(1.0))
	})

	onDisk := func(options string) (*harness.Gateway, *harness.Disk) {
		GinkgoHelper()
		if err := harness.DisksPossible(); err != nil {
			Skip("no file system of our own here: " + err.Error())
		}
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		return harness.StartOnDisk(GinkgoT(), harness.Config{
			Providers: []harness.Provider{up.As("one", "simulator", "k")}, More: "usage:\n  file: disk/usage.db\nlog:\n  exchanges: none\n",
		}, options)
	}

	It("on a disk that is read-only, waits and goes on when it can be written again", func() {
		gw, disk := onDisk("ro")
		wantUnharmed(gw)
		Eventually(func() harness.Condition { return gw.Ledger(GinkgoT()) }).Should(And(HaveField("OK", false), HaveField("Message", ContainSubstring("read-only"))))
		Expect(ledgerUp(gw)).To(BeZero())
		Expect(gw.LogLines("ledger failing")).To(HaveLen(1))
		disk.Remount(GinkgoT(), "rw")
		Eventually(func() harness.Condition { return gw.Ledger(GinkgoT()) }).WithTimeout(40 * time.Second).Should(HaveField("OK", true))
		Eventually(func() int64 { return ledgerRows(gw) }).Should(BeEquivalentTo(200))
		Expect(ledgerUp(gw)).To(Equal(1.0))
		Expect(gw.LogLines("ledger recovered")).To(HaveLen(1))
	})

	It("on a disk that is full, waits and goes on when there is room", func() {
		gw, disk := onDisk("size=512k")
		sent := int64(0)
		Eventually(func() harness.Condition {
			asks(gw, 200, harness.Ask{})
			sent += 200
			return gw.Ledger(GinkgoT())
		}).WithTimeout(60 * time.Second).WithPolling(time.Millisecond).Should(And(HaveField("OK", false), HaveField("Message", ContainSubstring("full"))))
		wantUnharmed(gw)
		sent += 200
		Expect(ledgerUp(gw)).To(BeZero())
		disk.Remount(GinkgoT(), "size=64m")
		Eventually(func() harness.Condition { return gw.Ledger(GinkgoT()) }).WithTimeout(40 * time.Second).Should(HaveField("OK", true))
		Eventually(func() int64 { return ledgerRows(gw) }).Should(Equal(sent), "nothing is lost while the queue has room")
		AddReportEntry(fmt.Sprintf("full after %d requests", sent-200))
	})
})

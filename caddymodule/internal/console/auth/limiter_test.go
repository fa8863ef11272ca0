package auth

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLimiter_CountsIPv6ByNetworkAndStaysBounded(t *testing.T) {
	var l limiter
	now := time.Now()
	for i := range 5 {
		ip := netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))
		if wait, _ := l.take(ip, now); wait != 0 {
			t.Fatal("locked early")
		}
	}
	if wait, _ := l.take(netip.MustParseAddr("2001:db8::ffff"), now); wait == 0 {
		t.Error("a new address of the same /64 may guess on")
	}
	if wait, _ := l.take(netip.MustParseAddr("::ffff:192.0.2.1"), now); wait != 0 {
		t.Error("an IPv4 address written as IPv6 is locked")
	}
	for i := range 3 * maxPeers {
		l.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(l.peers) > maxPeers {
		t.Errorf("%d addresses are kept", len(l.peers))
	}
	if wait, _ := (&limiter{}).take(netip.Addr{}, now); wait != 0 {
		t.Error("an unknown address is locked from the start")
	}
}

func TestLimiter_AClockSetBackLocksNobodyForLong(t *testing.T) {
	var l limiter
	now := time.Now()
	for range 6 {
		l.take(here, now)
	}
	if wait, _ := l.take(here, now.AddDate(-56, 0, 0)); wait > longestLock {
		t.Errorf("locked for %v", wait)
	}
}

// However attempts are spread and whatever succeeds in between, no sliding
// minute holds more than five failures of an address, and a lock is never met by
// a check.
func TestLimiter_NoMinuteHoldsMoreThanFiveFailures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l limiter
		now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		var failed []time.Time
		for range rapid.IntRange(1, 300).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40_000).Draw(t, "pause")) * time.Millisecond)
			if wait, _ := l.take(here, now); wait > 0 {
				if wait > longestLock {
					t.Fatalf("locked for %v", wait)
				}
				continue
			}
			if rapid.Bool().Draw(t, "right") {
				l.forgive(here)
				continue
			}
			failed = append(failed, now)
			if n := len(failed); n > failures && now.Sub(failed[n-1-failures]) < window {
				t.Fatalf("%d failures in %v", failures+1, now.Sub(failed[n-1-failures]))
			}
		}
	})
}

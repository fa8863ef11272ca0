package auth

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How fast an address may fail.
const (
	failures    = 5           // in a window
	window      = time.Minute // also the first lock
	longestLock = time.Hour
	forgetAfter = time.Hour // after the last lock
	maxPeers    = 4096
)

// limiter counts failed logins by address. IPv6 addresses count by their /64,
// which is what one household gets. The zero value is ready.
type limiter struct {
	mu    sync.Mutex
	peers map[netip.Addr]*peer
}

// peer is what an address did. An attempt counts as failed from its beginning,
// so that many at once gain nothing; forgive takes that back.
type peer struct {
	recent  []time.Time // failures of the last window, at most as many as it takes
	strikes int         // locks so far
	locked  time.Time   // until when
	seen    time.Time   // the last attempt
}

func peerOf(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}

// take counts an attempt of ip, or says how long it has to wait. locked is true
// when this very attempt began a lock.
func (l *limiter) take(ip netip.Addr, now time.Time) (wait time.Duration, locked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.peer(peerOf(ip), now)
	if wait := p.locked.Sub(now); wait > 0 {
		// A clock that was set back locks nobody for longer than a lock lasts.
		return min(wait, longestLock), false
	}
	p.seen = now
	p.recent = slices.DeleteFunc(p.recent, func(t time.Time) bool { return now.Sub(t) >= window || t.After(now) })
	allowed := failures
	if p.strikes > 0 {
		allowed = 1
	}
	if len(p.recent) < allowed {
		p.recent = append(p.recent, now)
		return 0, false
	}
	d := min(window<<min(p.strikes, 10), longestLock)
	p.strikes++
	p.locked, p.recent = now.Add(d), nil
	return d, true
}

// forgive takes back what take counted, after a login that succeeded. What
// failed before stays, so that whoever has an account cannot guess at others
// between logins of their own.
func (l *limiter) forgive(ip netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.peers[peerOf(ip)]; p != nil && len(p.recent) > 0 {
		p.recent = p.recent[:len(p.recent)-1]
	}
}

func (l *limiter) peer(ip netip.Addr, now time.Time) *peer {
	p := l.peers[ip]
	if p != nil && now.Sub(p.locked) > forgetAfter && now.Sub(p.seen) > forgetAfter {
		*p = peer{}
	}
	if p != nil {
		return p
	}
	if l.peers == nil {
		l.peers = map[netip.Addr]*peer{}
	}
	if len(l.peers) >= maxPeers {
		l.sweep(now)
	}
	p = &peer{}
	l.peers[ip] = p
	return p
}

// sweep forgets who has nothing against them, and if that is nobody, any one.
func (l *limiter) sweep(now time.Time) {
	for ip, p := range l.peers {
		if !p.locked.After(now) && now.Sub(p.seen) > window {
			delete(l.peers, ip)
		}
	}
	for ip := range l.peers {
		if len(l.peers) < maxPeers {
			return
		}
		delete(l.peers, ip)
	}
}

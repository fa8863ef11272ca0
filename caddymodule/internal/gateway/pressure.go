package gateway

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// pressure tells whether memory and file descriptors are left for another
// exchange. The zero value is ready.
//
// Memory is what the last garbage collection found alive, plus what has been
// promised to exchanges admitted since, and to those whose body has not come yet:
// allocation alone says nothing, because a collector with a limit lets garbage
// fill it.
type pressure struct {
	// readMemory and readFiles stand in for the process's own figures in tests.
	readMemory func() (live, limit int64, cycle uint64)
	readFiles  func() (used, limit int64)

	mu       sync.Mutex
	live     int64
	limit    int64
	cycle    uint64
	promised int64 // since that cycle
	awaited  int64 // of bodies that are still to come, whatever the cycle
	looked   time.Time

	files       int64 // in use when last counted
	fileLimit   int64
	filesSince  int64 // admitted since
	filesLooked time.Time
}

// hold is memory promised to an exchange: until its body is there, and after that
// in a cycle of the collector.
type hold struct {
	bytes int64
	here  bool // the body has come
	cycle uint64
}

const (
	lookEvery = 50 * time.Millisecond
	// baseNeed is what an exchange takes without its body: stacks, buffers of
	// two connections, the events being read.
	baseNeed = 96 << 10
)

// memoryNeed is what an exchange with a body of that size may take: the body,
// and what is made of it for the provider.
func memoryNeed(body int64) int64 { return baseNeed + 2*body }

// take promises memory, if what is alive and promised stays below nine tenths
// of the limit.
func (p *pressure) take(need int64, l *Limits) (hold, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lookAtMemory(l)
	if p.limit <= 0 {
		return hold{}, true
	}
	if p.live+p.promised+p.awaited+need > p.limit/10*9 {
		return hold{}, false
	}
	p.awaited += need
	return hold{bytes: need}, true
}

// arrived says that the body is there: the next collection finds it alive.
func (p *pressure) arrived(h *hold) {
	if h.bytes == 0 || h.here {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited -= h.bytes
	p.promised += h.bytes
	h.here, h.cycle = true, p.cycle
}

// give takes a promise back. One from an earlier cycle is in the live memory
// already.
func (p *pressure) give(h hold) {
	if h.bytes == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !h.here:
		p.awaited -= h.bytes
	case h.cycle == p.cycle:
		p.promised -= h.bytes
	}
}

func (p *pressure) lookAtMemory(l *Limits) {
	now := time.Now()
	if now.Sub(p.looked) < lookEvery {
		return
	}
	p.looked = now
	read := p.readMemory
	if read == nil {
		read = processMemory
	}
	live, limit, cycle := read()
	if l.Memory > 0 {
		limit = l.Memory
	}
	if cycle != p.cycle {
		p.cycle, p.promised = cycle, 0
	}
	p.live, p.limit = live, limit
}

// processMemory reads what the last collection left alive, with the stacks,
// and GOMEMLIMIT. limit 0: there is none.
func processMemory() (live, limit int64, cycle uint64) {
	samples := [...]metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples[:])
	value := func(i int) uint64 {
		if samples[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return samples[i].Value.Uint64()
	}
	limit = debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		limit = 0
	}
	return int64(value(0) + value(1)), limit, value(2)
}

// fileReserve is how many descriptors are kept for what is under way: its
// connections to providers, the log, the state file.
func fileReserve(limit int64) int64 { return min(max(limit/8, 16), 256) }

// filesLeft reports whether an exchange may still open what it needs. Counting
// takes a while, so it is done now and then, more often the closer the limit.
func (p *pressure) filesLeft(l *Limits) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	every := time.Second
	if p.fileLimit > 0 && 2*(p.files+p.filesSince) > p.fileLimit {
		every = 100 * time.Millisecond
	}
	if now := time.Now(); now.Sub(p.filesLooked) >= every {
		p.filesLooked, p.filesSince = now, 0
		read := p.readFiles
		if read == nil {
			read = processFiles
		}
		p.files, p.fileLimit = read()
		if l.Files > 0 {
			p.fileLimit = min(l.Files, p.fileLimit)
		}
	}
	if p.fileLimit <= 0 {
		return true
	}
	if p.files+p.filesSince >= p.fileLimit-fileReserve(p.fileLimit) {
		return false
	}
	p.filesSince++
	return true
}

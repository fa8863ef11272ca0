package telemetry

import "time"

// Point is one step of a history.
type Point struct {
	// Time is when the step began.
	Time     time.Time `json:"time"`
	Requests uint32    `json:"requests"`
	// Failed leaves out what the client was at fault for or called off.
	Failed    uint32 `json:"failed"`
	TokensIn  uint64 `json:"tokens_in"`
	TokensOut uint64 `json:"tokens_out"`
	// Cost is in micro-dollars.
	Cost int64 `json:"cost"`
	// The times are 0 where nothing was measured.
	TTFT50     time.Duration `json:"ttft_p50"`
	TTFT95     time.Duration `json:"ttft_p95"`
	Duration50 time.Duration `json:"duration_p50"`
	Duration95 time.Duration `json:"duration_p95"`
}

// point is a Point as it is kept: 56 bytes.
type point struct {
	number              int64
	tokensIn, tokensOut uint64
	cost                int64
	requests, failed    uint32
	ttft, duration      [2]uint32 // P50, P95 in units of 100 µs
}

// tick is the unit of the times in a point.
const tick = 100 * time.Microsecond

func pointOf(s *slot) point {
	ttft, duration := s.ttft.quantiles(), s.duration.quantiles()
	return point{
		number: s.number, tokensIn: s.counts.TokensIn, tokensOut: s.counts.TokensOut, cost: s.counts.Cost,
		requests: uint32(s.counts.Requests), failed: uint32(s.counts.Failed),
		ttft:     [2]uint32{uint32(ttft.P50 / tick), uint32(ttft.P95 / tick)},
		duration: [2]uint32{uint32(duration.P50 / tick), uint32(duration.P95 / tick)},
	}
}

func (p *point) show(at time.Time) Point {
	return Point{
		Time: at, Requests: p.requests, Failed: p.failed, TokensIn: p.tokensIn, TokensOut: p.tokensOut, Cost: p.cost,
		TTFT50: time.Duration(p.ttft[0]) * tick, TTFT95: time.Duration(p.ttft[1]) * tick,
		Duration50: time.Duration(p.duration[0]) * tick, Duration95: time.Duration(p.duration[1]) * tick,
	}
}

// points keeps up to limit points in the order they were added; the oldest make
// room. Steps in which nothing happened have none.
type points struct {
	limit int
	kept  []point
	next  int // where the oldest is, once limit is reached
}

func (p *points) add(one point) {
	if len(p.kept) < p.limit {
		p.kept = append(p.kept, one)
		return
	}
	p.kept[p.next] = one
	p.next = (p.next + 1) % p.limit
}

// since lays the points from number first on into out, whose first place is
// that of first.
func (p *points) since(first int64, out []point) {
	for i := range p.kept {
		if at := p.kept[i].number - first; at >= 0 && at < int64(len(out)) {
			out[at] = p.kept[i]
		}
	}
}

// history returns every step of the last hour (step up to 10 s) or the last day,
// the present one last.
func (s *series) history(now int64, wall time.Time, step time.Duration) []Point {
	s.roll(now)
	width, kept := tenSeconds, &s.fine
	if step > time.Duration(tenSeconds) {
		width, kept = oneMinute, &s.coarse
	}
	all := make([]point, kept.limit)
	last := now / width
	first := last - int64(len(all)) + 1
	kept.since(first, all)
	all[len(all)-1] = pointOf(s.unfinished(width))
	out := make([]Point, len(all))
	for i := range all {
		age := time.Duration(now - (first+int64(i))*width)
		out[i] = all[i].show(wall.Add(-age))
	}
	return out
}

// unfinished is what has happened so far in the present step.
func (s *series) unfinished(width int64) *slot {
	var sum slot
	if width == oneMinute && s.minute != 0 {
		if minute := s.minutes.find(s.minute); minute != nil {
			sum.merge(minute)
		}
	}
	if s.open != 0 {
		sum.merge(s.ten.find(s.open))
	}
	return &sum
}

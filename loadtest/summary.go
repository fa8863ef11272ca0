package main

// summary returns the medians of samples of the same load, and the curve of all their latencies together.
func summary(samples []*sample) Row {
	var row Row
	var latency, ttft histogram
	for _, s := range samples {
		row.Requests += s.requests
		row.Errors += s.errors
		row.Refused += s.refused
		row.Open = max(row.Open, s.open)
		latency.merge(&s.latency)
		ttft.merge(&s.ttft)
	}
	of := func(get func(*sample) float64) float64 { return medianOf(samples, get) }
	row.PerSecond = of(func(s *sample) float64 { return s.perSecond })
	row.P50 = of(func(s *sample) float64 { return millis(s.p50) })
	row.P99 = of(func(s *sample) float64 { return millis(s.p99) })
	row.TTFT50 = of(func(s *sample) float64 { return millis(s.ttft50) })
	row.TTFT99 = of(func(s *sample) float64 { return millis(s.ttft99) })
	row.CPU = of(cpu)
	row.RSS = of(func(s *sample) float64 { return megabytes(s.rss) })
	row.Allocations = of(func(s *sample) float64 { return s.heap.objects })
	row.Allocated = of(func(s *sample) float64 { return s.heap.bytes / 1000 })
	row.Curve = latency.curve()
	if ttft.total > 0 {
		row.Curve = ttft.curve()
	}
	return row
}

// pooled puts the rounds together, for percentiles that one round is too short for.
func pooled(samples []*sample) *sample {
	all := &sample{}
	for _, s := range samples {
		all.requests += s.requests
		all.errors += s.errors
		all.attempts += s.attempts
		all.second += s.second
		all.latency.merge(&s.latency)
		all.points = append(all.points, s.points...)
	}
	return all
}

// attempts returns how many a request took.
func attempts(s *sample) float64 { return float64(s.attempts) / float64(max(1, s.requests)) }

// share returns how many percent of the requests took more than one attempt.
func share(s *sample) float64 { return 100 * float64(s.second) / float64(max(1, s.requests)) }

// medianAdded returns how many milliseconds a's median lies over b's, the median of the rounds.
func medianAdded(a, b []*sample) float64 {
	var v []float64
	for i := range min(len(a), len(b)) {
		v = append(v, millis(a[i].p50-b[i].p50))
	}
	return median(v)
}

func last(s []*sample) *sample { return s[len(s)-1] }

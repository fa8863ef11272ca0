package usage

import "time"

// group is what roll-ups tell apart within a bucket. The numbers are names.
type group struct {
	provider, client, team, key int64
	model                       string
}

// bucket is an hour or a day of UTC; both numbers are in seconds.
type bucket struct{ span, start int64 }

// bucketAt is the bucket of a time in Unix microseconds.
func bucketAt(micro, span int64) bucket {
	w := span * 1e6
	return bucket{span, (micro - (micro%w+w)%w) / 1e6}
}

// manyGroups is how many groups a bucket tells apart. Clients may address
// models nobody configured; beyond the bound those count as "(other)".
const manyGroups = 2000

// manyBuckets is how many buckets' groups are remembered.
const manyBuckets = 16

// rollups gathers a batch's totals before they are written.
type rollups struct {
	totals map[bucket]map[group]*sums
	known  map[bucket]map[group]bool // the groups in the database
}

func newRollups() *rollups {
	return &rollups{totals: map[bucket]map[group]*sums{}, known: map[bucket]map[group]bool{}}
}

// add counts an exchange's row or an attempt's in its hour and its day.
func (r *rollups) add(micro int64, g group, count func(*sums)) {
	for _, span := range [...]int64{hour, day} {
		b := bucketAt(micro, span)
		groups := r.totals[b]
		if groups == nil {
			groups = map[group]*sums{}
			r.totals[b] = groups
		}
		s := groups[g]
		if s == nil {
			s = new(sums)
			groups[g] = s
		}
		count(s)
	}
}

// count adds the exchange to s.
func (x *Exchange) count(s *sums) {
	s[mRequests]++
	s[mFailures] += one(x.Failed())
	s[mCanceled] += one(x.Class == classCanceled)
	s[mEstimated] += one(x.Estimated)
	s[mInput] += x.Input
	s[mOutput] += x.Output
	s[mCacheRead] += x.CacheRead
	s[mCacheWrite] += x.CacheWrite
	s[mReasoning] += x.Reasoning
	s[mCost] += x.Cost
	s[mBytesIn] += x.BytesIn
	s[mBytesOut] += x.BytesOut
	s[mTTFT] += micros(x.TTFT)
	s[mTimed] += one(micros(x.TTFT) > 0)
	s[mDuration] += micros(x.Duration)
}

// count adds the attempt to s.
func (a *Attempt) count(s *sums) {
	s[mAttempts]++
	s[mFailed] += one(failed(a.Class))
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// flush writes what was gathered, in the transaction of the rows.
func (r *rollups) flush(w *rows) error {
	for b, groups := range r.totals {
		known, err := r.groups(w, b)
		if err != nil {
			return err
		}
		for g, s := range groups {
			if !known[g] && len(known) >= manyGroups {
				g.model = other
			}
			known[g] = true
			if err := w.addUp(b, g, s); err != nil {
				return err
			}
		}
		clear(groups)
	}
	clear(r.totals)
	return nil
}

// groups returns the groups a bucket has in the database.
func (r *rollups) groups(w *rows, b bucket) (map[group]bool, error) {
	if known := r.known[b]; known != nil {
		return known, nil
	}
	known, err := w.groups(b)
	if err != nil {
		return nil, err
	}
	if len(r.known) >= manyBuckets {
		clear(r.known)
	}
	r.known[b] = known
	return known, nil
}

// forget drops what was gathered and what is known: a transaction failed.
func (r *rollups) forget() {
	clear(r.totals)
	clear(r.known)
}

// startOf is the beginning of the bucket of length span that t falls into.
func startOf(t time.Time, span int64) time.Time {
	return time.Unix(bucketAt(t.UnixMicro(), span).start, 0).UTC()
}

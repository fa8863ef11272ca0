package simulator

import (
	"context"
	"time"
)

// pacer says when the next piece of an answer is due. Pieces have fixed times from the start, so a late one does not
// delay the rest.
type pacer struct {
	start time.Time
	ttft  time.Duration
	step  time.Duration // between pieces; 0: none
	timer *time.Timer
}

// set begins the pacing of one answer.
func (p *pacer) set(ttft time.Duration, rate float64) {
	p.ttft, p.step = ttft, 0
	if rate > 0 {
		p.step = time.Duration(float64(time.Second) / rate)
	}
	if ttft > 0 || p.step > 0 {
		p.start = time.Now()
	}
}

// wait blocks until piece n is due, counting from 0. False means that ctx ended first.
func (p *pacer) wait(ctx context.Context, n int) bool {
	if p.ttft == 0 && (p.step == 0 || n == 0) {
		return ctx.Err() == nil
	}
	return p.sleep(ctx, time.Until(p.start.Add(p.ttft+time.Duration(n)*p.step)))
}

// sleep blocks for d. False means that ctx ended first.
func (p *pacer) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	select {
	case <-p.timer.C:
		return true
	case <-ctx.Done():
		p.timer.Stop()
		return false
	}
}

// rest blocks until ctx ends, or for d when d is not 0. False means that ctx ended.
func (p *pacer) rest(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		return p.sleep(ctx, d)
	}
	<-ctx.Done()
	return false
}

func (p *pacer) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

package route

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// job is one request in the simulation.
type job struct {
	arrived     time.Duration
	promptBytes int
	tokens      int
	done        time.Duration // 0: never served
	by          string        // the server asked first
}

// event is something that happens at a time; seq keeps equal times in order.
type event struct {
	at  time.Duration
	seq int
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// sim runs one scenario under one policy.
type sim struct {
	scenario
	handClock
	rand    *rand.Rand
	servers []*server
	targets []*Target
	byID    map[*Target]*server
	queue   events
	seq     int
	jobs    []*job
	pick    func(*job) []*Target
	learn   func(t *Target, total time.Duration) // of an answer; may be nil
}

func (s *sim) at() time.Duration { return s.time.Sub(epoch) }

func (s *sim) after(d time.Duration, do func()) {
	s.seq++
	heap.Push(&s.queue, event{s.at() + d, s.seq, do})
}

// policies are the ways to pick that are compared. The oracle knows every
// server's true speed and load at every moment.
func policies() []string {
	return []string{"oracle", "fastest", "least_in_flight", "mean latency", "round_robin"}
}

func newSim(sc scenario, policy string, seed uint64) *sim {
	s := &sim{scenario: sc, handClock: handClock{epoch}, rand: rand.New(rand.NewPCG(7, seed)), servers: sc.servers(), byID: map[*Target]*server{}}
	choose := rand.New(rand.NewPCG(3, seed))
	for _, srv := range s.servers {
		t := &Target{Provider: srv.name, Model: "m", Dialects: []llm.Dialect{llm.OpenAI},
			Health: health.New(health.Options{Now: s.now, Rand: choose.Float64})}
		s.targets = append(s.targets, t)
		s.byID[t] = srv
	}
	switch policy {
	case "oracle":
		s.pick = s.oracle
	case "mean latency":
		s.meanLatency()
	default:
		s.routed(Strategy(policy), choose.Float64)
	}
	return s
}

// routed picks as the Router does.
func (s *sim) routed(strategy Strategy, random func() float64) {
	r, err := New(Config{Targets: s.targets, Strategy: strategy, Rand: random})
	if err != nil {
		panic(err)
	}
	s.pick = func(j *job) []*Target {
		p, err := r.Plan(&Query{Model: Default, Dialect: llm.OpenAI, Now: s.time, Needs: Needs{PromptBytes: j.promptBytes}})
		if err != nil {
			panic(err)
		}
		return p.Targets
	}
}

func (s *sim) oracle(j *job) []*Target {
	cost := func(t *Target) float64 {
		srv := s.byID[t]
		if srv.refuses(s.at()) {
			return math.MaxFloat64
		}
		return srv.first(s.at(), j.promptBytes, srv.inFlight+1) + float64(srv.token)*float64(j.tokens)
	}
	return s.sorted(cost)
}

// meanLatency picks the least mean of the last hundred answers' whole times,
// as gateways commonly do; whoever has no answer yet goes first.
func (s *sim) meanLatency() {
	last := map[*Target][]float64{}
	s.learn = func(t *Target, total time.Duration) {
		last[t] = append(last[t], float64(total))
		last[t] = last[t][max(0, len(last[t])-100):]
	}
	s.pick = func(*job) []*Target {
		return s.sorted(func(t *Target) float64 {
			sum := 0.0
			for _, x := range last[t] {
				sum += x
			}
			return sum / math.Max(1, float64(len(last[t])))
		})
	}
}

func (s *sim) sorted(cost func(*Target) float64) []*Target {
	all := slices.Clone(s.targets)
	slices.SortStableFunc(all, func(a, b *Target) int {
		if ca, cb := cost(a), cost(b); ca != cb {
			if ca < cb {
				return -1
			}
			return 1
		}
		return 0
	})
	return all
}

func (s *sim) run() *sim {
	s.after(0, s.arrive)
	for len(s.queue) > 0 {
		e := heap.Pop(&s.queue).(event)
		s.time = epoch.Add(e.at)
		e.do()
	}
	return s
}

func (s *sim) arrive() {
	if s.at() >= s.length {
		return
	}
	gap := s.rand.ExpFloat64() / s.rate(s.at())
	s.after(time.Duration(gap*float64(time.Second)), s.arrive)
	j := &job{arrived: s.at(), promptBytes: s.prompt(s.rand), tokens: 100 + s.rand.IntN(300)}
	s.jobs = append(s.jobs, j)
	s.send(j, s.pick(j))
}

// send asks the targets in turn, as the gateway's attempt loop does.
func (s *sim) send(j *job, targets []*Target) {
	for len(targets) > 0 {
		ok, probe := targets[0].Health.Allow()
		if ok {
			s.attempt(j, targets, probe)
			return
		}
		targets = targets[1:]
	}
}

// refusal is how long a server that is down takes to say so.
const refusal = 50 * time.Millisecond

func (s *sim) attempt(j *job, targets []*Target, probe bool) {
	t, srv := targets[0], s.byID[targets[0]]
	if j.by == "" {
		j.by = srv.name
	}
	began := s.at()
	srv.inFlight++
	trial := t.Health.Begin(j.promptBytes, probe)
	if srv.refuses(began) {
		s.after(refusal, func() {
			srv.inFlight--
			trial.End(health.Outcome{Class: llm.ClassTransient})
			s.send(j, targets[1:])
		})
		return
	}
	noise := math.Exp(0.25 * s.rand.NormFloat64())
	first := time.Duration(srv.first(began, j.promptBytes, srv.inFlight) * noise)
	s.after(first, func() {
		trial.FirstByte(first)
		s.after(srv.token*time.Duration(j.tokens), func() {
			srv.inFlight--
			trial.End(health.Outcome{Tokens: j.tokens})
			j.done = s.at()
			if s.learn != nil {
				s.learn(t, s.at()-began)
			}
		})
	})
}

// mean is the mean time from arrival to answer; requests nobody served count
// as a minute.
func (s *sim) mean() float64 {
	sum := 0.0
	for _, j := range s.jobs {
		if j.done == 0 {
			sum += 60
			continue
		}
		sum += (j.done - j.arrived).Seconds()
	}
	return sum / float64(len(s.jobs))
}

// p95 is the time within which 95 of 100 requests were answered.
func (s *sim) p95() float64 {
	var all []float64
	for _, j := range s.jobs {
		all = append(all, (j.done - j.arrived).Seconds())
	}
	slices.Sort(all)
	return all[len(all)*95/100]
}

// share is the part of the requests in [from, to) that asked name first.
func (s *sim) share(name string, from, to time.Duration) float64 {
	n, of := 0, 0
	for _, j := range s.jobs {
		if j.arrived >= from && j.arrived < to {
			if of++; j.by == name {
				n++
			}
		}
	}
	return float64(n) / float64(max(of, 1))
}

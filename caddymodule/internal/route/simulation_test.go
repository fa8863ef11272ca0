package route

import (
	"container/heap"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

var update = flag.Bool("update", false, "rewrite the table in docs/routing.md")

// server is a provider in the simulation.
type server struct {
	name string
	// base is the time to the first token of a small prompt, perKB what each
	// further kilobyte adds, token the time from one token to the next.
	base, perKB, token time.Duration
	// capacity is how many requests it serves at once; with more under way
	// each takes longer in proportion. 0: any number.
	capacity int
	// slow is by what factor it is slower at t, down whether it refuses.
	slow func(t time.Duration) float64
	down func(t time.Duration) bool

	inFlight int
}

// first is the time to the first token of a request that arrives at t, before
// chance has its say.
func (s *server) first(t time.Duration, promptBytes, inFlight int) float64 {
	d := float64(s.base) + float64(s.perKB)*float64(promptBytes)/1024
	if s.slow != nil {
		d *= s.slow(t)
	}
	if s.capacity > 0 && inFlight > s.capacity {
		d *= float64(inFlight) / float64(s.capacity)
	}
	return d
}

func (s *server) refuses(t time.Duration) bool { return s.down != nil && s.down(t) }

// between returns a function that is in inside [from, to) and out outside.
func between[T any](from, to time.Duration, in, out T) func(time.Duration) T {
	return func(t time.Duration) T {
		if t >= from && t < to {
			return in
		}
		return out
	}
}

// scenario is a world to route in.
type scenario struct {
	name    string
	length  time.Duration
	rate    func(t time.Duration) float64 // requests a second
	prompt  func(r *rand.Rand) int
	servers func() []*server
	// If watch is not empty, it names the server that fails between from and
	// to.
	watch    string
	from, to time.Duration
}

func always[T any](v T) func(time.Duration) T { return func(time.Duration) T { return v } }

func small(*rand.Rand) int { return 3000 }

// three are servers of which the first is the fastest.
func three() []*server {
	return []*server{
		{name: "quick", base: 300 * time.Millisecond, token: 5 * time.Millisecond},
		{name: "middle", base: 800 * time.Millisecond, token: 8 * time.Millisecond},
		{name: "slow", base: 2 * time.Second, token: 20 * time.Millisecond},
	}
}

// with returns three servers after f has changed the quickest.
func with(f func(*server)) func() []*server {
	return func() []*server {
		all := three()
		f(all[0])
		return all
	}
}

func scenarios() []scenario {
	const minute = time.Minute
	return []scenario{
		{name: "steady", length: 5 * minute, rate: always(10.0), prompt: small, servers: three},
		{name: "brown-out ×20", length: 7 * minute, rate: always(10.0), prompt: small,
			servers: with(func(s *server) { s.slow = between(2*minute, 4*minute, 20.0, 1.0) }),
			watch:   "quick", from: 2 * minute, to: 4 * minute},
		{name: "outage", length: 7 * minute, rate: always(10.0), prompt: small,
			servers: with(func(s *server) { s.down = between(2*minute, 4*minute, true, false) }),
			watch:   "quick", from: 2 * minute, to: 4 * minute},
		{name: "flapping", length: 5 * minute, rate: always(10.0), prompt: small,
			servers: with(func(s *server) {
				s.down = func(t time.Duration) bool { return t > minute && t/(10*time.Second)%2 == 1 }
			})},
		{name: "cold start", length: minute / 2, rate: always(10.0), prompt: small, servers: three},
		{name: "bursty", length: 5 * minute, prompt: small,
			rate: func(t time.Duration) float64 {
				if t%(30*time.Second) < 3*time.Second {
					return 60
				}
				return 4
			},
			servers: func() []*server {
				all := three()
				all[0].capacity, all[1].capacity, all[2].capacity = 20, 40, 60
				return all
			}},
		{name: "crowded", length: 5 * minute, rate: always(30.0), prompt: small,
			servers: with(func(s *server) { s.capacity = 20 })},
		{name: "mixed prompts", length: 5 * minute, rate: always(10.0),
			prompt: func(r *rand.Rand) int {
				if r.IntN(2) == 0 {
					return 2000
				}
				return 400_000
			},
			servers: func() []*server {
				return []*server{
					{name: "eager", base: 200 * time.Millisecond, perKB: 20 * time.Millisecond, token: 8 * time.Millisecond},
					{name: "patient", base: 1500 * time.Millisecond, perKB: time.Millisecond, token: 8 * time.Millisecond},
					{name: "even", base: time.Second, perKB: 8 * time.Millisecond, token: 8 * time.Millisecond},
				}
			}},
	}
}

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
	clock
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

func newSim(sc scenario, policy string) *sim {
	s := &sim{scenario: sc, clock: clock{epoch}, rand: rand.New(rand.NewPCG(7, 11)), servers: sc.servers(), byID: map[*Target]*server{}}
	choose := rand.New(rand.NewPCG(3, 5))
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

// TestSimulation_FastestComesNearestTheOracle runs every scenario under every
// policy in virtual time. The fastest strategy may never be clearly behind
// another that can be had without knowing the future, and its regret against
// the oracle is bounded.
func TestSimulation_FastestComesNearestTheOracle(t *testing.T) {
	var b strings.Builder
	b.WriteString("| scenario | " + strings.Join(policies(), " | ") + " |\n|---" + strings.Repeat("|---", len(policies())) + "|\n")
	regrets := map[string]float64{}
	for _, sc := range scenarios() {
		fmt.Fprintf(&b, "| %s ", sc.name)
		means := map[string]float64{}
		for _, policy := range policies() {
			s := newSim(sc, policy).run()
			m := s.mean()
			means[policy] = m
			regret := m/means["oracle"] - 1
			regrets[policy] += regret
			if policy == "oracle" {
				fmt.Fprintf(&b, "| %.2f s, p95 %.1f ", m, s.p95())
			} else {
				fmt.Fprintf(&b, "| %.2f s, p95 %.1f, +%.0f %% ", m, s.p95(), 100*regret)
			}
		}
		b.WriteString("|\n")
		for _, other := range policies()[2:] {
			if means["fastest"] > 1.02*means[other] {
				t.Errorf("%s: fastest takes %.2f s, %s %.2f s", sc.name, means["fastest"], other, means[other])
			}
		}
		if r := means["fastest"]/means["oracle"] - 1; r > 0.35 {
			t.Errorf("%s: regret of %.0f %%, at most 35 %% is allowed", sc.name, 100*r)
		}
	}
	for _, other := range policies()[2:] {
		if regrets["fastest"]*2 > regrets[other] {
			t.Errorf("summed regret of fastest %.2f is not half of that of %s, %.2f", regrets["fastest"], other, regrets[other])
		}
	}
	t.Log("\n" + b.String())
	checkTable(t, b.String())
}

// TestSimulation_TrafficMovesAndReturns holds how soon traffic leaves a
// target that fails, and how soon it comes back.
func TestSimulation_TrafficMovesAndReturns(t *testing.T) {
	for _, sc := range scenarios() {
		if sc.watch == "" {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			s := newSim(sc, string(Fastest)).run()
			before := s.share(sc.watch, sc.from-time.Minute, sc.from)
			within := s.share(sc.watch, sc.from+10*time.Second, sc.from+20*time.Second)
			during := s.share(sc.watch, sc.from+10*time.Second, sc.to)
			back := s.share(sc.watch, sc.to+60*time.Second, sc.to+90*time.Second)
			t.Logf("share of %s: %.2f before, %.2f ten seconds in, %.2f until the end, %.2f a minute after", sc.watch, before, within, during, back)
			if before < 0.9 {
				t.Errorf("share %.2f before, want at least 0.9", before)
			}
			if within > 0.1*before || during > 0.1*before {
				t.Errorf("share %.2f ten seconds in and %.2f all along, want at least 90 %% moved away", within, during)
			}
			if back < 0.9*before {
				t.Errorf("share %.2f a minute after the end, want it back", back)
			}
		})
	}
}

// checkTable compares the table with the one in docs/routing.md. Rounding
// differs between processors, so only one kind of them is held to the letter.
func checkTable(t *testing.T, table string) {
	const begin, end = "<!-- simulation -->\n", "<!-- /simulation -->"
	path := filepath.Join("..", "..", "..", "docs", "routing.md")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("no docs to compare with: %v", err)
	}
	head, rest, ok := strings.Cut(string(doc), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(head+begin+table+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(old, table); d != "" && runtime.GOARCH == "amd64" {
		t.Errorf("the table in docs/routing.md is out of date (-docs +now); run with -update:\n%s", d)
	}
}

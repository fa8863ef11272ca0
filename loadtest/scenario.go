package main

import (
	"context"
	"slices"
	"time"
)

// scenario is a question and how to answer it.
type scenario struct {
	name     string
	question string
	run      func(ctx context.Context, r *rig) (*Result, error)
}

// scenarios returns all of them in the order they run.
func scenarios() []scenario {
	return slices.Concat(costs(), streams(), translations(), troubles(), []scenario{
		{"start", "How long does it take from the start to the first connection and the first answer?", startup},
		{"memory", "How much memory does it take, idle, with 1,000 streams open, and a minute after?", memory},
	})
}

// costs are about requests that are passed on as they are.
func costs() []scenario {
	quick := traffic{size: 1 << 10}
	large := traffic{size: 200 << 10}
	renamed := traffic{size: 200 << 10, renamed: true}
	coder := traffic{size: 200 << 10, messages: true, speaks: bothDialects}
	stream := traffic{size: 1 << 10, stream: true}
	long := traffic{size: 1 << 10, stream: true, answer: answer{words: 1000}}
	return []scenario{
		{"json-1k", "What does a small request cost, beside a plain reverse proxy?", comparison{
			{traffic: quick, requests: 400, atOnce: 1, addedAim: 0.15},
			{traffic: quick, requests: 3000, atOnce: 32, paths: besideNode, bound: 3, aim: 0.75},
		}.run},
		{"json-200k", "What does a long conversation of 200 KB cost?", comparison{
			{traffic: large, requests: 100, atOnce: 1},
			{traffic: large, requests: 600, atOnce: 8, paths: besideNode, bound: 4, aim: 1.2},
			{traffic: renamed, requests: 600, atOnce: 8, bound: 6},
		}.run},
		{"messages-200k", "What does it cost when client and provider both speak Anthropic Messages, as a coding assistant and its plan do?", comparison{
			{traffic: coder, requests: 600, atOnce: 8, bound: 6, aim: 1.2},
		}.run},
		{"stream-50", "What does a stream of 50 events cost when the provider does not pause?", comparison{
			{traffic: stream, requests: 100, atOnce: 1, addedAim: 0.15},
			{traffic: stream, requests: 600, atOnce: 16, bound: 3},
		}.run},
		{"stream-1000", "What does a stream of 1,000 events cost when the provider does not pause?", comparison{
			{traffic: long, requests: 20, atOnce: 1},
			{traffic: long, requests: 80, atOnce: 8, bound: 3},
		}.run},
		{"secure", "What do requests and streams cost when the provider has TLS and HTTP/2, as real ones do?", comparison{
			{traffic: quick, requests: 2000, atOnce: 32, bound: 3, aim: 0.75},
			{traffic: large, requests: 400, atOnce: 8, sized: true, bound: 4, aim: 1.2},
			{traffic: traffic{size: 1 << 10, stream: true, answer: answer{pace: 50}}, requests: 400, atOnce: 200, rounds: 3, bound: 3, aim: 0.9},
		}.secured},
		{"many-keys", "Does a request cost more with 1,000 keys and 100 targets than with a few?", manyKeys},
	}
}

// streams are about many paced streams at the same time.
func streams() []scenario {
	paced := func(perSecond int) traffic {
		return traffic{size: 1 << 10, stream: true, answer: answer{pace: perSecond}}
	}
	return []scenario{
		{"streams-200", "Do 200 streams at once, an event every 20 ms in each, all come to their end?", comparison{
			{traffic: paced(50), requests: 400, atOnce: 200, paths: besideNode, bound: 3, aim: 0.9},
		}.run},
		// A hundred begin each second and last six, so that 600 are open; what begins before there are so many does not count.
		{"streams-500", "How late is the first content of a stream while more than 500 others are open?", comparison{
			{traffic: paced(10), requests: 900, atOnce: 700, perSec: 100, ramp: 6 * time.Second, rounds: 2, ttftAim: 2},
		}.run},
		{"streams-1000", "Do 1,000 streams at once, an event every 100 ms in each, all come to their end?", comparison{
			{traffic: paced(10), requests: 1000, atOnce: 1000, perSec: 500, rounds: 2, bound: 3, aim: 0.9},
		}.run},
		{"streams-2000", "And 2,000, an event every 200 ms?", comparison{
			{traffic: paced(5), requests: 2000, atOnce: 2000, perSec: 500, rounds: 2, bound: 3, aim: 0.9},
		}.run},
	}
}

// translations are about clients and providers that speak different dialects. The plain proxy beside them passes the
// client's format on to a provider that speaks it.
func translations() []scenario {
	there := func(size int, stream bool) traffic { return traffic{size: size, messages: true, stream: stream} }
	back := func(size int, stream bool) traffic {
		return traffic{size: size, stream: stream, speaks: messagesOnly}
	}
	both := func(of func(int, bool) traffic) comparison {
		return comparison{
			{traffic: of(1<<10, false), requests: 400, atOnce: 1},
			{traffic: of(1<<10, false), requests: 2000, atOnce: 32, bound: 4, aim: 1.2},
			{traffic: of(200<<10, false), requests: 300, atOnce: 8, bound: 12, aim: 4},
			{traffic: of(1<<10, true), requests: 600, atOnce: 16, bound: 4, aim: 1.5},
		}
	}
	responses := func(speaks dialects) comparison {
		return comparison{
			{traffic: traffic{size: 1 << 10, responses: true, speaks: speaks}, requests: 2000, atOnce: 32, bound: 4, aim: 1.2},
			{traffic: traffic{size: 1 << 10, responses: true, speaks: speaks, stream: true}, requests: 600, atOnce: 16, bound: 4, aim: 1.5},
		}
	}
	return []scenario{
		{"translate", "What does an Anthropic client cost whose provider speaks OpenAI Chat only?", both(there).run},
		{"translate-back", "What does an OpenAI client cost whose provider speaks Anthropic Messages only?", both(back).run},
		{"responses-chat", "What does a client of OpenAI's Responses, such as Codex, cost whose provider speaks Chat only?", responses(chatAlone).run},
		{"responses-messages", "And one whose provider speaks Anthropic Messages only?", responses(messagesOnly).run},
	}
}

// troubles are about what goes wrong.
func troubles() []scenario {
	all := []scenario{
		{"rotation", "What is lost or slowed down when three of a provider's eight keys are at their limit?", rotation},
		{"failover", "How much later is an answer whose first target fails?", failover},
	}
	questions := map[string]string{
		"refused": "refuses connections", "limited": "answers 429", "failing": "answers 500", "reset": "resets connections", "stalled": "says nothing for ever",
	}
	for _, bad := range badProviders() {
		all = append(all, scenario{"failover-" + bad.name, "At 400 requests a second, how many are lost or delayed when the first target " + questions[bad.name] + "?", underLoad(bad)})
	}
	return append(all,
		scenario{"brownout", "How soon do requests avoid a provider that becomes twenty times slower?", brownout},
		scenario{"reload", "Is anything lost when the configuration is loaded anew each second?", reload},
		scenario{"overload", "Are requests that are too many turned away properly, and do the others notice?", overload},
	)
}

// shortScenarios are those of the short form, which asks for errors and for gross changes of cost.
const shortScenarios = "json-1k,stream-50,streams-200,translate,translate-back,responses-chat,responses-messages,many-keys,rotation,failover,failover-stalled,reload,overload"

// slack is how many times higher the thresholds are in the short form, whose measurements are short too.
const slack = 2

// shorten makes the settings those of the short form, but for what was asked for otherwise.
func (s *settings) shorten() {
	if s.names == "" {
		s.names = shortScenarios
	}
	s.rounds, s.scale = min(s.rounds, 2), min(s.scale, 0.1)
}

// loosen raises the thresholds of ratios and shares. Times are reported and no more: a pause of the machine is enough to
// miss them.
func (result *Result) loosen() {
	for i := range result.Checks {
		c := &result.Checks[i]
		switch {
		case c.Unit == " ms":
			c.Aim = true
		case c.Bound > 1:
			c.Bound *= slack
		}
	}
}

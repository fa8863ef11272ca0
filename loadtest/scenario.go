package main

import "context"

// scenario is a question and how to answer it.
type scenario struct {
	name     string
	question string
	run      func(ctx context.Context, r *rig) (*Result, error)
}

// scenarios returns all of them in the order they run.
func scenarios() []scenario {
	quick := traffic{size: 1 << 10}
	large := traffic{size: 200 << 10}
	renamed := traffic{size: 200 << 10, renamed: true}
	coder := traffic{size: 200 << 10, messages: true, native: true}
	stream := traffic{size: 1 << 10, stream: true}
	paced := traffic{size: 1 << 10, stream: true, paced: true}
	anthropic := traffic{size: 1 << 10, messages: true}
	anthropicStream := traffic{size: 1 << 10, messages: true, stream: true}
	return []scenario{
		{"json-1k", "What does a small request cost, beside a plain reverse proxy?", comparison{
			{traffic: quick, requests: 400, atOnce: 1},
			{traffic: quick, requests: 3000, atOnce: 32, bound: 3, aim: 0.75},
		}.run},
		{"json-200k", "What does a long conversation of 200 KB cost?", comparison{
			{traffic: large, requests: 100, atOnce: 1},
			{traffic: large, requests: 600, atOnce: 8, bound: 4, aim: 1.2},
			{traffic: renamed, requests: 600, atOnce: 8, bound: 6},
		}.run},
		{"messages-200k", "What does it cost when client and provider both speak Anthropic Messages, as a coding assistant and its plan do?", comparison{
			{traffic: coder, requests: 600, atOnce: 8, bound: 6, aim: 1.2},
		}.run},
		{"stream-50", "What does a stream of 50 events cost when the provider does not pause?", comparison{
			{traffic: stream, requests: 100, atOnce: 1},
			{traffic: stream, requests: 600, atOnce: 16, bound: 3},
		}.run},
		{"streams-200", "Do 200 streams at once, an event every 20 ms in each, all come to their end?", comparison{
			{traffic: paced, requests: 400, atOnce: 200, bound: 3, aim: 0.9},
		}.run},
		{"translate", "What does an Anthropic client cost whose provider speaks OpenAI Chat only?", comparison{
			{traffic: anthropic, requests: 400, atOnce: 1},
			{traffic: anthropic, requests: 2000, atOnce: 32, bound: 4, aim: 1.2},
			{traffic: anthropicStream, requests: 600, atOnce: 16, bound: 4, aim: 1.5},
		}.run},
		{"failover", "How much later is an answer whose first target fails, and how often is a resting target tried?", failover},
		{"start", "How long does it take from the start to the first answer?", startup},
		{"memory", "How much memory does it take, idle and with 200 streams open?", memory},
	}
}

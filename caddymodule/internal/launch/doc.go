// Package launch points clients at a gateway: Claude Code, Codex, and whatever
// uses the OpenAI and Anthropic SDKs.
//
// Environment says which variables a client needs, Render writes them for a
// shell, and Args are what Codex takes on its command line instead. A launcher
// uses those and leaves the client's own files alone; Edit changes those files
// for good, keeps what they were, and Undo brings it back. Probe looks who
// listens at an address, and Start starts a gateway that outlives its caller.
//
// What the clients read was observed with Claude Code 2.1.330 and Codex 0.169.0.
package launch

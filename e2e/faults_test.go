package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"

	"github.com/aimux/aimux/e2e/harness"
)

// The outcomes that rows repeat.
const (
	ok  = harness.OK
	evt = harness.EVT
)

// quick makes the gateway impatient, so that no spec has to wait.
const quick = "timeouts:\n  connect: 1s\n  tls: 500ms\n  first_event: 700ms\n  idle: 600ms\n  total: 8s\n  no_progress: 1s\n"

// The rows have the numbers of the fault matrix in the design's notes on
// reliability; what each wants is written there.
var _ = Describe("The fault matrix", func() {
	DescribeTable("before the first event, another target answers and the client notices nothing", func(r row) {
		r.verify(r.start(""))
	}, rows(
		row{number: 8, fault: "reset", stream: ok, whole: ok},
		row{number: 8, fault: "close", stream: ok, whole: ok},
		row{number: 10, fault: "reset-headers", stream: ok, whole: ok},
		row{number: 15, fault: "interim;bytes=20", stream: ok, whole: ok},
		row{number: 18, fault: "301;location=http://127.0.0.1:1/v1", stream: ok, whole: ok},
		row{number: 18, fault: "302;location=/elsewhere", stream: ok, whole: ok},
		row{number: 18, fault: "307;location=/v1/chat/completions", stream: ok, whole: ok},
		row{number: 19, fault: "slow-headers;every=50ms", stream: ok, whole: ok, more: quick},
		row{number: 20, fault: "hang", stream: ok, whole: ok, more: quick},
		row{number: 20, fault: "silence", stream: ok, whole: ok, more: quick},
		row{number: 26, fault: "429;retry-after=7", stream: ok, whole: ok},
		row{number: 32, fault: "429", stream: ok, whole: ok},
		row{number: 33, fault: "429;code=insufficient_quota;vendor=openai", stream: ok, whole: ok},
		row{number: 34, fault: "400;message=Your credit balance is too low to access the API", stream: ok, whole: ok},
		row{number: 35, fault: "401", stream: ok, whole: ok},
		row{number: 36, fault: "402", stream: ok, whole: ok},
		row{number: 37, fault: "403", stream: ok, whole: ok},
		row{number: 37, fault: "403;body=html", stream: ok, whole: ok},
		row{number: 38, fault: "404", stream: ok, whole: ok},
		row{number: 39, fault: "408", stream: ok, whole: ok},
		row{number: 43, fault: "500", stream: ok, whole: ok},
		row{number: 43, fault: "502;body=html", stream: ok, whole: ok},
		row{number: 43, fault: "503;retry-after=9", stream: ok, whole: ok},
		row{number: 43, fault: "504;body=empty", stream: ok, whole: ok},
		row{number: 43, fault: "500;body=text", stream: ok, whole: ok},
		row{number: 44, fault: "529", stream: ok, whole: ok},
		row{number: 46, fault: "503;should-retry=false", stream: ok, whole: ok},
	))

	DescribeTable("a body that is no answer is never relayed", func(r row) {
		r.verify(r.start(""))
	}, rows(
		row{number: 47, fault: "error-200;after=0", whole: ok},
		row{number: 47, fault: "base-resp;code=1008", whole: ok, vendor: "minimax", dialects: []harness.Dialect{harness.Chat}, untranslated: true},
		row{number: 48, fault: "html", stream: ok, whole: ok},
		row{number: 49, fault: "empty", stream: ok, whole: ok},
		row{number: 49, fault: "no-content", stream: ok, whole: ok},
		row{number: 50, fault: "malformed", whole: ok},
		row{number: 50, fault: "malformed;after=0", stream: ok},
		row{number: 50, fault: "truncated", whole: ok},
		row{number: 51, fault: "no-choices", whole: ok},
		row{number: 53, fault: "big;bytes=3000000", stream: ok, whole: ok, more: "limits:\n  response: 1MiB\n"},
		row{number: 53, fault: "deep;bytes=100000", stream: ok, whole: ok},
		row{number: 53, fault: "objects;bytes=1000000", stream: ok, whole: ok},
		row{number: 54, fault: "gzip-corrupt", whole: ok},
		row{number: 54, fault: "gzip-bomb;bytes=100000000", stream: ok, whole: ok, more: "limits:\n  response: 1MiB\n"},
		row{number: 54, fault: "unknown-encoding", whole: ok},
		row{number: 16, fault: "length-long", whole: ok},
	))

	DescribeTable("what can be understood is, and the client gets its own form", func(r row) {
		r.verify(r.start(""))
	}, rows(
		row{number: 15, fault: "interim;bytes=3", stream: ok, whole: ok, by: "bad"},
		row{number: 16, fault: "length-short", stream: ok, by: "bad"},
		row{number: 17, fault: "trailers", stream: ok, whole: ok, by: "bad"},
		row{number: 23, fault: "slow;ttft=50ms;rate=200", stream: ok, whole: ok, by: "bad", more: quick},
		row{number: 52, fault: "json-for-stream", stream: ok, by: "bad"},
		row{number: 52, fault: "stream-for-json", whole: ok, by: "bad"},
		row{number: 54, fault: "gzip", stream: ok, whole: ok, by: "bad"},
		row{number: 54, fault: "br", stream: ok, whole: ok, by: "bad"},
		row{number: 54, fault: "zstd", stream: ok, whole: ok, by: "bad"},
		row{number: 55, fault: "bom", stream: ok, whole: ok, by: "bad"},
		row{number: 55, fault: "bad-utf8", stream: ok, whole: ok, by: "bad"},
		row{number: 59, fault: "no-blank-line", stream: ok, by: "bad"},
		row{number: 60, fault: "crlf", stream: ok, by: "bad"},
		row{number: 60, fault: "cr", stream: ok, by: "bad"},
		row{number: 62, fault: "no-space", stream: ok, by: "bad"},
		row{number: 62, fault: "multi-line", stream: ok, by: "bad"},
		row{number: 62, fault: "comments", stream: ok, by: "bad"},
		row{number: 62, fault: "unknown-event", stream: ok, by: "bad"},
		row{number: 63, fault: "split;bytes=1", stream: ok, by: "bad"},
		row{number: 63, fault: "split;bytes=1000", stream: ok, by: "bad"},
		row{number: 66, fault: "no-usage", stream: ok, whole: ok, by: "bad"},
		row{number: 66, fault: "usage-late", stream: ok, by: "bad"},
		row{number: 66, fault: "after-done", stream: ok, by: "bad"},
		row{number: 67, fault: "hold", stream: ok, by: "bad"},
	))

	DescribeTable("after the first content there is no failover, and the stream ends with the dialect's error", func(r row) {
		r.verify(r.start(""))
	}, rows(
		row{number: 21, fault: "stall", stream: evt, whole: ok, more: quick},
		row{number: 22, fault: "pings;every=30ms", stream: evt, more: quick},
		row{number: 25, fault: "slow;ttft=10ms;rate=5", stream: evt, more: "timeouts:\n  first_event: 700ms\n  idle: 700ms\n  total: 1200ms\n"},
		row{number: 50, fault: "malformed", stream: evt},
		row{number: 57, fault: "error-mid", stream: evt, whole: ok},
		row{number: 58, fault: "cut", stream: evt, whole: ok},
		row{number: 58, fault: "cut-fin", stream: evt, whole: ok},
		row{number: 58, fault: "cut-rst", stream: evt, whole: ok},
		row{number: 58, fault: "cut-event", stream: evt, whole: ok},
		row{number: 58, fault: "network-error", stream: evt, upstream: harness.Chat},
		row{number: 61, fault: "huge;bytes=200000", stream: evt, more: "limits:\n  event: 64KiB\n"},
	))

	DescribeTable("an error in the first event still moves to another target", func(r row) {
		r.verify(r.start(""))
	}, rows(
		row{number: 56, fault: "error-first", stream: ok, whole: ok},
		row{number: 56, fault: "error-200;after=0", stream: ok},
		row{number: 58, fault: "cut;after=0", stream: ok},
		row{number: 21, fault: "stall;after=0", stream: ok, more: quick},
		row{number: 22, fault: "pings;after=0;every=30ms", stream: ok, more: quick},
	))

	DescribeTable("what the request itself caused is told, once", func(r row) {
		r.verify(r.start(""))
	}, rows(
		row{number: 41, fault: "413", stream: harness.ERR(413), whole: harness.ERR(413)},
		row{number: 42, fault: "400", stream: harness.ERR(400), whole: harness.ERR(400)},
		row{number: 42, fault: "422", stream: harness.ERR(422), whole: harness.ERR(422)},
		row{number: 45, fault: "context-exceeded", stream: harness.ERR(400), whole: harness.ERR(400)},
	))
})

// rows makes an entry of each row, named by its number and fault.
func rows(all ...row) []TableEntry {
	out := make([]TableEntry, len(all))
	for i, r := range all {
		out[i] = Entry(fmt.Sprintf("%d %s", r.number, r.fault), r)
	}
	return out
}

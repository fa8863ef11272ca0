package simulator

import "time"

// Kind names what goes wrong. A three-digit HTTP status is a Kind too: "429".
type Kind string

// The kinds, by where in an exchange they strike. Where a stream is spoken of, an answer in one piece fails in the
// nearest way: error events become HTTP 200 with an error body, a cut leaves half the JSON.
const (
	// OK is no fault; it carries pacing: ok;tokens=200;rate=50.
	OK Kind = "ok"

	// The connection.

	Reset        Kind = "reset"         // connection reset before any header
	ResetHeaders Kind = "reset-headers" // reset after the header, before any content
	Refused      Kind = "refused"       // in process: connection refused; over a socket: reset (see Listener.Refuse)
	Close        Kind = "close"         // connection closed without an answer
	Stale        Kind = "stale"         // normal answer; the next request on the same connection finds it closed
	Goaway       Kind = "goaway"        // normal answer, then the connection is closed by announcement (HTTP/2: GOAWAY)
	Hang         Kind = "hang"          // no header, until the client goes away or for=… has passed
	Silence      Kind = "silence"       // header, then nothing
	SlowHeaders  Kind = "slow-headers"  // header at a byte a time, every=1s apart
	Interim      Kind = "interim"       // bytes=20 interim answers (103), then a normal one
	Trailers     Kind = "trailers"      // normal answer with trailers

	// The body.

	ErrorIn200      Kind = "error-200"        // HTTP 200 with the vendor's error body; with after=N inside a stream
	HTML            Kind = "html"             // HTTP 200 with a page
	Malformed       Kind = "malformed"        // broken JSON, or a broken event
	Truncated       Kind = "truncated"        // JSON that stops half-way, complete as HTTP
	Empty           Kind = "empty"            // HTTP 200 without a body
	NoContent       Kind = "no-content"       // HTTP 204
	NoChoices       Kind = "no-choices"       // JSON without choices, content or output
	JSONForStream   Kind = "json-for-stream"  // an answer in one piece though a stream was asked for
	StreamForJSON   Kind = "stream-for-json"  // a stream though none was asked for
	Big             Kind = "big"              // a body of bytes=100000000
	Deep            Kind = "deep"             // arrays nested bytes=100000 deep
	Objects         Kind = "objects"          // bytes=5000000 empty objects
	LengthLong      Kind = "length-long"      // Content-Length above what is sent
	LengthShort     Kind = "length-short"     // Content-Length below what is sent
	Gzip            Kind = "gzip"             // gzip though not asked for
	Brotli          Kind = "br"               // brotli though not asked for
	Zstd            Kind = "zstd"             // zstd though not asked for
	GzipCorrupt     Kind = "gzip-corrupt"     // gzip with a wrong checksum
	GzipBomb        Kind = "gzip-bomb"        // bytes=100000000 of blanks, gzipped
	UnknownEncoding Kind = "unknown-encoding" // Content-Encoding: sim
	BOM             Kind = "bom"              // byte order mark first
	BadUTF8         Kind = "bad-utf8"         // bytes that are no UTF-8 in the text

	// The stream. after=N is the number of pieces of content sent before.

	ErrorFirst      Kind = "error-first"      // the first event is an error
	ErrorMid        Kind = "error-mid"        // an error event after some content
	Cut             Kind = "cut"              // the body ends cleanly without a terminal event
	CutFIN          Kind = "cut-fin"          // the connection is closed without the end of the body
	CutRST          Kind = "cut-rst"          // the connection is reset
	CutEvent        Kind = "cut-event"        // the body ends in the middle of an event
	Stall           Kind = "stall"            // nothing more, until the client goes away or for=… has passed
	Pings           Kind = "pings"            // only pings or comments from there on, every=1s
	Slow            Kind = "slow"             // ttft=2s and rate=1 unless given
	Hold            Kind = "hold"             // complete, but the connection is held open
	NoDone          Kind = "no-done"          // no terminal marker: [DONE]; message_stop and response.completed too
	NoFinish        Kind = "no-finish"        // no finish or stop reason, then [DONE]
	NoUsage         Kind = "no-usage"         // no usage anywhere
	UsageLate       Kind = "usage-late"       // usage after the terminal event
	AfterDone       Kind = "after-done"       // more content after the terminal event
	NoBlankLine     Kind = "no-blank-line"    // the last event lacks its blank line
	CRLF            Kind = "crlf"             // line ends are CR LF
	CR              Kind = "cr"               // line ends are CR
	NoSpace         Kind = "no-space"         // data: without the space
	MultiLine       Kind = "multi-line"       // each event's data on two lines
	Split           Kind = "split"            // events written bytes=1 at a time
	Huge            Kind = "huge"             // one event of bytes=20000000
	Comments        Kind = "comments"         // a comment before every event
	UnknownEvent    Kind = "unknown-event"    // events and fields nobody knows, in between
	WrongIndex      Kind = "wrong-index"      // a block or choice index with a gap
	EarlyDelta      Kind = "early-delta"      // a delta before its start
	DoubleStop      Kind = "double-stop"      // every stop twice
	BaseRespError   Kind = "base-resp"        // as error-200, in MiniMax's shape: base_resp, code=1008
	Refusal         Kind = "refusal"          // the model refuses: content filter
	NetworkError    Kind = "network-error"    // finish_reason network_error after some content
	ContextExceeded Kind = "context-exceeded" // 400 in the vendor's wording for a prompt too long
	FinishStop      Kind = "finish-stop"      // finish_reason stop although tools were called

	// Tool calls.

	Interleave Kind = "interleave" // parallel calls' arguments in turns (Chat only)
	EmptyArgs  Kind = "empty-args" // no argument text at all
	WholeArgs  Kind = "whole-args" // each call in one piece
	SplitArgs  Kind = "split-args" // arguments a byte at a time: inside escapes and characters
	BadArgs    Kind = "bad-args"   // arguments that are no JSON
	NoIDs      Kind = "no-ids"     // calls without id (Chat only)
	RepeatIDs  Kind = "repeat-ids" // id and name in every fragment (Chat only)
)

// Fault is one thing that goes wrong and its particulars. The zero Fault is none. String spells it in the grammar of
// the package comment.
type Fault struct {
	Kind Kind
	// After is the number of pieces of content a stream sends before the fault; -1 means none. Default: 3.
	After int
	// Bytes is a size or count, as the kind says.
	Bytes int
	// For limits how long silence lasts. Default: 0, until the client goes away.
	For time.Duration
	// Every is the pause between pings or header bytes. Default: 1s.
	Every time.Duration
	// TTFT, Rate and Tokens override the server's pacing and length; zero leaves them.
	TTFT   time.Duration
	Rate   float64
	Tokens int
	// RetryAfter goes to the Retry-After header as it is, or date+7 for a date in seven seconds (date-7: seven ago).
	RetryAfter string
	// RetryAfterMS goes to the retry-after-ms header as it is.
	RetryAfterMS string
	// AzureRetryAfterMS goes to the x-ms-retry-after-ms header as it is.
	AzureRetryAfterMS string
	// Reset fills the vendor's rate-limit headers: a plain value, or rfc3339+7, epoch+7, epochms+7, date+7.
	Reset string
	// Skew shifts the Date header, for an upstream whose clock is wrong.
	Skew time.Duration
	// ShouldRetry goes to x-should-retry.
	ShouldRetry string
	// Body is json, html, text or empty, for a status. Default: json, as the vendor writes it.
	Body string
	// Code is the vendor's own error code; it chooses wording and, without a status, the status as well.
	Code string
	// Message replaces the wording.
	Message string
	// Location is where a redirect leads.
	Location string
	// Vendor answers as that vendor, whatever Options.Vendor is.
	Vendor string
	// Tag means nothing; it tells keys with the same fault apart.
	Tag string
}

// status returns the HTTP status of a status kind, or 0.
func (k Kind) status() int {
	if len(k) != 3 || k[0] < '3' || k[0] > '5' || !digits(string(k)) {
		return 0
	}
	return int(k[0]-'0')*100 + int(k[1]-'0')*10 + int(k[2]-'0')
}

func (f Fault) active() bool { return f.Kind != "" && f.Kind != OK }

func (f Fault) after() int              { return max(or(f.After, 3), 0) }
func (f Fault) every() time.Duration    { return or(f.Every, time.Second) }
func (f Fault) bytes(otherwise int) int { return or(f.Bytes, otherwise) }

// or returns v, or otherwise when v is zero.
func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

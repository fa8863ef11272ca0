// Package simulator is a provider that exists only in software. It answers the three dialects (OpenAI Chat and
// Responses, Anthropic Messages) with words that say who they come from, and it fails in every way providers are known
// to fail, on request. It answers in the product when no key is configured, and it is the upstream of the unit, e2e and
// load tests: New makes a Server, which is an http.Handler, a transport inside the process (RoundTripper), or a real
// loopback server (Start).
//
// An answer is readable at its beginning and marked after it: "This is the aimux simulator. You said "hi". sim:7:0
// sim:7:1 …", where sim is Options.Name, 7 the number of the request and 0, 1, … count on; CheckTranscript finds a lost,
// doubled or foreign word. The same requests in the same order get the same bytes, apart from times.
//
// What the last user message says can change the answer: "say:TEXT" is answered with TEXT, up to the end of the line;
// "call:TOOL {"json":…}", once or several times, calls declared tools (call:#2 the second one, whatever its name), and
// the tool's result is quoted in the next answer. A request for structured output gets the smallest JSON that its schema
// takes. Four bytes count as a token; a prompt that begins like an earlier one has that part cached, from 256 tokens on.
//
// # Faults
//
// A fault is asked for by Script, or by the request itself, so that curl can try it: with the header
//
//	X-Sim-Fault: 429;retry-after=7
//
// with the API key sim-429-retry-after-7 (everything joined by dashes; any other key is an ordinary key), or with the
// model sim/429;retry-after=7 or sim-429-retry-after-7. The grammar is
//
//	fault = kind *( ";" name "=" value )
//
// where kind is an HTTP status or a Kind constant (GET / lists them), and the names are
//
//	after         pieces of content before a fault in a stream (default 3, 0 for none)
//	bytes         size or count: big, deep, objects, huge, split, interim, gzip-bomb
//	for, every    how long silence lasts (default: until the client leaves); time between pings or header bytes
//	ttft, rate    pacing: time to the first token, tokens per second
//	tokens        number of marked words
//	retry-after   the header as it is (7, 1.5, -1, NaN), or date+7, an HTTP date in seven seconds (date-7: seven ago)
//	retry-after-ms, x-ms-retry-after-ms
//	reset         the vendor's reset header or wording: as it is (6m0s, 20ms, 11.38), or rfc3339+7, epoch+7, epochms+7,
//	              date+7, zai+7 (no zone, UTC+8)
//	skew          how wrong the clock of the Date header is (-1h)
//	should-retry  the x-should-retry header
//	body          html, text or empty instead of the vendor's JSON
//	code          the vendor's own code: code=1308 for Z.AI, code=insufficient_quota for OpenAI
//	message       wording
//	location      of a redirect
//	vendor        whose error body to write, when the server imitates nobody in particular
//	tag           nothing; tells keys apart: sim-429-retry-after-7-tag-b
//
// The header is refused with 400 when it is misspelt; keys and models that do not spell a fault ask for none.
package simulator

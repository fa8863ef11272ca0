package simulator

import (
	"net/http"
	"slices"
	"sync"
)

// vendor is what is particular about one provider. The zero vendor is plain OpenAI and plain Anthropic. The facts come
// from the vendors' documents and from bodies captured in production, see providers.md.
type vendor struct {
	name string

	// Chat.

	reasoning   reasoning
	thinks      bool   // reasons unless told not to
	bare        bool   // no object member
	usageInLast bool   // usage stands in the chunk with finish_reason, asked for or not
	comment     string // at the head of every stream
	filtered    string // finish_reason of a filtered answer
	model       func(string) string
	extra       func(x *exchange, b []byte, last bool) []byte // members after all others

	pings bool // Messages: a ping after message_start

	// Errors. nil means OpenAI's or Anthropic's.

	rows           []row
	anthropicRows  []row
	overloaded     string // the code of an overload
	overflow       string // the code of a prompt too long
	error          func(x *exchange, b []byte, e apiError) []byte
	anthropicError func(x *exchange, b []byte, e apiError) []byte
	chunkError     func(x *exchange, b []byte, e apiError) []byte

	// Headers.

	header         func(h http.Header, x *exchange)
	reset          func(h http.Header, at string)
	anthropicReset func(h http.Header, at string)
	quota          map[string]string // path ending → body of the quota endpoint
	quotaDenied    string            // what the quota endpoint says to a wrong key, with HTTP 200

	// Strict mode.

	strict       func(x *exchange) *apiError
	lacks        []dialect // endpoints the vendor does not have
	fields       []string  // all top-level fields of Chat; nil: OpenAI's
	moreFields   []string  // besides fields
	reasonFields []string  // what an assistant message may have besides OpenAI's
	lenient      bool      // ignores unknown fields
	exact        bool      // also refuses what most overlook, such as name on tool messages
	noDeveloper  bool      // does not know the role developer
}

// vendors returns all of them; the first is the plain one.
func vendors() []*vendor {
	return []*vendor{
		{reasonFields: []string{"reasoning_content"}}, cerebras(), zai(), minimax(), synthetic(), openAI(), anthropic(), openRouter(), groq(), deepSeek(), moonshot(), ollama(),
	}
}

// Vendors returns the names Options.Vendor knows, besides "".
func Vendors() []string {
	var names []string
	for _, v := range vendorTable()[1:] {
		names = append(names, v.name)
	}
	return names
}

// vendorTable is made when it is first needed.
var vendorTable = sync.OnceValue(vendors)

func vendorNamed(name string) *vendor {
	all := vendorTable()
	i := slices.IndexFunc(all, func(v *vendor) bool { return v.name == name })
	return all[max(i, 0)]
}

// extra appends what the vendor adds to answers and chunks; last marks an answer in one piece and the last chunk.
func (x *exchange) extra(b []byte, last bool) []byte {
	if x.vendor.extra == nil {
		return b
	}
	return x.vendor.extra(x, b, last)
}

// contextError is the vendor's answer to a prompt too long.
func (x *exchange) contextError() apiError {
	f := x.fault
	f.Code = or(f.Code, or(x.vendor.overflow, "context_length_exceeded"))
	e := x.errorFor(0, f)
	e.status = or(e.status, http.StatusBadRequest)
	if x.anthropicSide() && x.vendor.overflow == "" {
		e.code = "" // Anthropic says it in words alone
	}
	return e
}

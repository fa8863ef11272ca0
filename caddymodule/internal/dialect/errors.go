package dialect

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// maxMessage is how many bytes of an unreadable answer become the message.
const maxMessage = 300

// ReadError reads a provider's error answer, whichever of the known shapes it
// has: {"error":{…}} of OpenAI and Anthropic, the flat object of Cerebras, the
// string of Synthetic, MiniMax's base_resp, Z.AI's bracketed message and its
// {"code","msg","success":false}, or no JSON at all. It never fails.
//
// The Class is a first guess from status, type and wording; what a vendor's
// own codes mean is for whoever knows the vendor.
func ReadError(status int, header http.Header, body []byte) *llm.Error {
	e := &llm.Error{Status: status, RetryAfter: retryAfter(header)}
	body = bytes.TrimSpace(wire.TrimBOM(body))
	if wire.Valid(body) {
		readErrorObject(e, gjson.ParseBytes(body))
	} else {
		e.Message = plainMessage(status, body)
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("the provider answered with status %d and no message", status)
	}
	if n, err := strconv.Atoi(e.Code); err == nil && e.Status == 0 && n >= 400 && n <= 599 {
		e.Status = n // OpenRouter and vLLM put the status into code
	}
	e.Class = guessClass(e)
	return e
}

func readErrorObject(e *llm.Error, root gjson.Result) {
	inner := root.Get("error")
	switch {
	case inner.IsObject():
		readFlatError(e, inner)
	case inner.Type == gjson.String:
		e.Message = inner.Str
	case baseRespFailed(root):
		e.Code = root.Get("base_resp.status_code").String()
		e.Message = root.Get("base_resp.status_msg").String()
	default:
		readFlatError(e, root)
	}
	readBracketed(e)
}

// readFlatError reads the members an error object has in every dialect.
func readFlatError(e *llm.Error, obj gjson.Result) {
	e.Message = firstString(obj, "message", "msg", "detail", "error_description")
	e.Wire = obj.Get("type").String()
	e.Param = obj.Get("param").String()
	e.Details = obj.Get("details.error_code").String()
	e.Code = obj.Get("code").String()
	if e.Code == "" && isDigits(e.Wire) {
		e.Code = e.Wire // Z.AI puts its business code into type
	}
}

// readBracketed takes the code out of the two forms in which vendors hide it
// in the message: "[1305][text][trace]" (Z.AI) and "text (2056)" (MiniMax).
func readBracketed(e *llm.Error) {
	if rest, ok := strings.CutPrefix(e.Message, "["); ok {
		code, rest, ok := strings.Cut(rest, "][")
		if ok && isDigits(code) {
			text, _, _ := strings.Cut(rest, "][")
			e.Code, e.Message = code, strings.TrimSuffix(text, "]")
		}
		return
	}
	if head, ok := strings.CutSuffix(e.Message, ")"); ok && e.Code == "" {
		if i := strings.LastIndexByte(head, '('); i >= 0 && len(head)-i == 5 && isDigits(head[i+1:]) {
			e.Code = head[i+1:]
		}
	}
}

// baseRespFailed reports whether MiniMax's base_resp is there and not a success.
func baseRespFailed(root gjson.Result) bool {
	code := root.Get("base_resp.status_code")
	return code.Exists() && code.Int() != 0
}

// FailureIn looks for a failure that a provider reported inside an answer with
// status 200, and returns nil if there is none.
func FailureIn(root gjson.Result) *llm.Error {
	var s signs
	root.ForEach(func(key, value gjson.Result) bool {
		s.note(key.Str, value.Raw)
		return true
	})
	if !s.failed() {
		return nil
	}
	return ReadError(0, nil, wire.Raw(root.Raw))
}

func plainMessage(status int, body []byte) string {
	switch {
	case len(body) == 0:
		return ""
	case body[0] == '<':
		return fmt.Sprintf("the provider answered with status %d and a web page", status)
	}
	return strings.ToValidUTF8(string(body[:min(len(body), maxMessage)]), "\uFFFD")
}

func firstString(obj gjson.Result, keys ...string) string {
	for _, k := range keys {
		if s := obj.Get(k).String(); s != "" {
			return s
		}
	}
	return ""
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// retryAfter reads retry-after-ms and the two forms of retry-after.
func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 && ms < 1e10 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	v := h.Get("Retry-After")
	if sec, err := strconv.ParseFloat(v, 64); err == nil {
		if sec > 0 && sec < 1e7 {
			return time.Duration(sec * float64(time.Second))
		}
		return 0
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	from, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(at.Sub(from), 0)
}

// CutShort is the failure of a stream that ended before its answer did.
func CutShort() *llm.Error {
	return &llm.Error{Class: llm.ClassTransient, Code: "truncated", Message: "the provider closed the stream before the answer was complete"}
}

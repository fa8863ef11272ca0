package failover

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/tidwall/gjson"
)

// maxBody is how much of an answer is looked at: a failure's description is
// short, and what follows is not read.
const maxBody = 64 << 10

// shape is what a body turned out to be.
type shape uint8

const (
	shapeEmpty  shape = iota
	shapeHTML         // a web page: a proxy, a firewall, a maintenance notice
	shapeText         // neither JSON nor a page
	shapeBroken       // begins as JSON and is not
	shapeJSON
)

// report is what a body says about a failure.
type report struct {
	provider.Failure
	shape shape
	// failed says that the body reports a failure, whatever the HTTP status.
	failed bool
	// root is the body, inner the error object in it; both may be empty.
	root, inner gjson.Result
	// finish is the finish reason that reports the failure, or "".
	finish string
}

// readBody reads the failure from a body in any of the vendors' shapes:
// {"error":{…}}, the flat object of Cerebras, Synthetic's string, MiniMax's
// base_resp, Z.AI's bracketed message and its {"code","msg","success"}, the
// failed response of Responses, a choice that finished with an error, or no
// JSON at all. It never fails.
func readBody(status int, body []byte, inStream bool) *report {
	r := &report{Failure: provider.Failure{Status: status}}
	body = trimBody(body, inStream)
	r.shape = shapeOf(body)
	switch r.shape {
	case shapeJSON, shapeBroken:
		r.root = gjson.ParseBytes(body)
		if r.root.IsArray() { // Gemini wraps its error in an array
			r.root = r.root.Get("0")
		}
		r.readObject()
	case shapeText:
		r.Message = strings.ToValidUTF8(string(body[:min(len(body), maxMessage)]), "\uFFFD")
	}
	r.unwrapCode()
	r.Text = strings.ToLower(r.Message + r.rawMessage())
	return r
}

// trimBody cuts body to what is looked at and takes the event's frame away.
func trimBody(body []byte, inStream bool) []byte {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if inStream && len(body) > 0 && body[0] != '{' {
		if i := bytes.Index(body, []byte("data:")); i >= 0 {
			body = body[i+len("data:"):]
			if end := bytes.IndexAny(body, "\r\n"); end >= 0 {
				body = body[:end]
			}
			body = bytes.TrimSpace(body)
		}
	}
	return body[:min(len(body), maxBody)]
}

func shapeOf(body []byte) shape {
	switch {
	case len(body) == 0:
		return shapeEmpty
	case body[0] == '<':
		return shapeHTML
	case body[0] != '{' && body[0] != '[':
		return shapeText
	case !json.Valid(body):
		return shapeBroken
	}
	return shapeJSON
}

// readObject finds the object that describes the failure and reads it.
func (r *report) readObject() {
	choice := r.root.Get("choices.0")
	r.inner = firstOf(r.root.Get("error"), r.root.Get("response.error"), choice.Get("error"))
	r.finish = failedFinish(choice.Get("finish_reason").Str)
	base := r.root.Get("base_resp.status_code")
	switch {
	case r.inner.IsObject():
		r.failed = true
		r.readError(r.inner)
	case r.inner.Type == gjson.String && r.inner.Str != "":
		r.failed = true
		r.Message = r.inner.Str
	case base.Exists() && base.Int() != 0:
		r.failed = true
		r.Code, r.Message = base.String(), r.root.Get("base_resp.status_msg").String()
	default:
		r.failed = r.finish != "" || flatFailure(r.root)
		if r.failed || r.Status >= 300 {
			r.inner = r.root
			r.readError(r.root)
		}
	}
	if r.failed && r.Status < 300 {
		r.Status = cmp.Or(statedStatus(r.root, r.inner), typeStatus(r.Type))
	}
}

// readError reads the members of an error object.
func (r *report) readError(obj gjson.Result) {
	r.Message = firstString(obj, "message", "msg", "detail", "error_description", "error_message", "detail.0.msg", "errors.0.message")
	r.Type = firstString(obj, "type", "status")
	r.Param = scalar(obj.Get("param"))
	r.Code = scalar(obj.Get("code"))
	r.Details = firstString(obj, "details.error_code", "metadata.limit_source")
	if r.Code == "" && isDigits(r.Type) {
		r.Code = r.Type // Z.AI writes its business code into type
	}
}

// flatFailure reports whether an answer without an error member is a failure
// all the same.
func flatFailure(root gjson.Result) bool {
	switch {
	case root.Get("type").Str == "error", root.Get("object").Str == "error",
		root.Get("type").Str == "response.failed":
		return true
	case root.Get("success").Type == gjson.False && root.Get("code").Exists():
		return true
	case root.Get("status_code").Int() >= 400:
		return true
	}
	return root.Get("message").Type == gjson.String && root.Get("code").Exists() &&
		!root.Get("choices").Exists() && !root.Get("content").Exists() && !root.Get("output").Exists()
}

// failedFinish returns a finish reason that reports a failure. A broken stream
// of Z.AI says so only there.
func failedFinish(reason string) string {
	switch reason {
	case "network_error", "sensitive", "error":
		return reason
	}
	return ""
}

// statedStatus returns the HTTP status that a body with status 200 says it
// should have had, or 0.
func statedStatus(root, inner gjson.Result) int {
	for _, v := range [...]gjson.Result{
		inner.Get("http_code"), root.Get("status_code"), inner.Get("status_code"),
		inner.Get("status"), inner.Get("code"), root.Get("code"),
	} {
		if n := v.Int(); n >= 400 && n <= 599 {
			return int(n)
		}
	}
	return 0
}

// unwrapCode takes the code out of the two forms in which vendors hide it in
// the message: "[1305][text][trace]" (Z.AI) and "text (2056)" (MiniMax).
func (r *report) unwrapCode() {
	if rest, ok := strings.CutPrefix(r.Message, "["); ok {
		code, rest, ok := strings.Cut(rest, "][")
		if ok && isDigits(code) {
			text, _, _ := strings.Cut(rest, "][")
			r.Code, r.Message = code, strings.TrimSuffix(text, "]")
		}
		return
	}
	head, ok := strings.CutSuffix(strings.TrimSpace(r.Message), ")")
	if !ok {
		return
	}
	if i := strings.LastIndexByte(head, '('); i >= 0 && len(head)-i == 5 && isDigits(head[i+1:]) {
		r.Code = head[i+1:]
	}
}

// rawMessage returns what OpenRouter says the company behind it answered.
func (r *report) rawMessage() string {
	raw := r.inner.Get("metadata.raw")
	if raw.Type != gjson.String || raw.Str == "" {
		return ""
	}
	return "\n" + raw.Str[:min(len(raw.Str), 2*maxMessage)]
}

func firstOf(rs ...gjson.Result) gjson.Result {
	for _, r := range rs {
		if r.Exists() && r.Type != gjson.Null && r.Type != gjson.False {
			return r
		}
	}
	return gjson.Result{}
}

func firstString(obj gjson.Result, paths ...string) string {
	for _, p := range paths {
		if r := obj.Get(p); r.Type == gjson.String && r.Str != "" {
			return strings.ToValidUTF8(r.Str, string(utf8.RuneError))
		}
	}
	return ""
}

// scalar returns a string or number as text.
func scalar(r gjson.Result) string {
	if r.Type == gjson.String || r.Type == gjson.Number {
		return strings.ToValidUTF8(r.String(), string(utf8.RuneError))
	}
	return ""
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

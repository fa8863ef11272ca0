package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// created is when all simulated models were made: 2026-01-01.
const created = 1767225600

func (s *Server) models() []string {
	if len(s.opts.Models) == 0 {
		return []string{"simulator"}
	}
	return s.opts.Models
}

// introduce answers GET / with what this is.
func (x *exchange) introduce() {
	b := append(x.buf, `{"name":"aimux simulator","about":"a simulated LLM provider; nothing here is a model's answer"`...)
	b = append(key(b, "try"), `["POST /v1/chat/completions","POST /v1/messages","POST /v1/responses","GET /v1/models"]`...)
	b = append(key(b, "faults"), `["X-Sim-Fault: 429;retry-after=7","key sim-429-retry-after-7","model sim/429"]`...)
	b = append(key(b, "kinds"), '[')
	for _, k := range kinds {
		b = quote(comma(b), string(k))
	}
	x.send(http.StatusOK, "application/json", append(b, "]}\n"...))
}

// listModels answers in the shape of the caller's dialect.
func (x *exchange) listModels() {
	names := x.s.models()
	b := append(x.buf, `{"object":"list","data":[`...)
	if x.anthropicSide() {
		b = append(x.buf, `{"data":[`...)
	}
	for _, name := range names {
		b = x.modelEntry(comma(b), name)
	}
	b = append(b, ']')
	if x.anthropicSide() {
		b = append(b, `,"has_more":false`...)
		b = field(b, "first_id", names[0])
		b = field(b, "last_id", names[len(names)-1])
	}
	x.send(http.StatusOK, "application/json", append(b, '}'))
}

func (x *exchange) describeModel() {
	if !slices.Contains(x.s.models(), x.target.id) {
		x.refuse(x.errorFor(404, Fault{}))
		return
	}
	x.send(http.StatusOK, "application/json", x.modelEntry(x.buf, x.target.id))
}

func (x *exchange) modelEntry(b []byte, name string) []byte {
	b = field(append(b, '{'), "id", name)
	if x.anthropicSide() {
		b = field(append(b, `,"type":"model"`...), "display_name", name)
		b = field(b, "created_at", time.Unix(created, 0).UTC().Format(time.RFC3339))
		return append(b, '}')
	}
	b = fieldInt(append(b, `,"object":"model"`...), "created", created)
	return append(b, `,"owned_by":"simulator"}`...)
}

// countTokens answers the token counts of Messages and Responses.
func (x *exchange) countTokens() {
	b := append(x.buf, '{')
	if x.target.dialect == responses {
		b = append(b, `"object":"response.input_tokens"`...)
	}
	b = fieldInt(b, "input_tokens", max(1, tokensIn(x.ask.bytes)))
	x.send(http.StatusOK, "application/json", append(b, '}'))
}

// embed answers with vectors that depend on the text alone.
func (x *exchange) embed() {
	inputs := [][]byte{x.ask.embedded}
	if v := x.ask.embedded; len(v) > 0 && v[0] == '[' {
		inputs = inputs[:0]
		for e := range elements(v) {
			inputs = append(inputs, e)
		}
		if len(inputs) > 0 && isScalar(inputs[0][0]) {
			inputs = [][]byte{v} // one input, as token numbers
		}
	}
	b := append(x.buf, `{"object":"list","data":[`...)
	for i, input := range inputs {
		b = fieldInt(append(comma(b), `{"object":"embedding"`...), "index", i)
		b = append(x.vector(key(b, "embedding"), input), '}')
	}
	b = field(append(b, ']'), "model", x.modelName())
	tokens := max(1, tokensIn(len(x.ask.embedded)))
	b = fieldInt(append(key(b, "usage"), '{'), "prompt_tokens", tokens)
	b = fieldInt(b, "total_tokens", tokens)
	x.send(http.StatusOK, "application/json", append(b, "}}"...))
}

// vector appends an embedding, 16 numbers unless the request names another count, as floats or in base64.
func (x *exchange) vector(b, input []byte) []byte {
	n := min(max(or(x.ask.dims, 16), 1), 4096)
	h := uint64(14695981039346656037)
	for _, c := range input {
		h = (h ^ uint64(c)) * 1099511628211
	}
	if x.ask.format == "base64" {
		packed := make([]byte, 0, 4*n)
		for range n {
			packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(next(&h)))
		}
		return quote(b, base64.StdEncoding.EncodeToString(packed))
	}
	b = append(b, '[')
	for range n {
		b = strconv.AppendFloat(comma(b), float64(next(&h)), 'g', -1, 32)
	}
	return append(b, ']')
}

// next returns a number from -1 to 1 that follows from h alone.
func next(h *uint64) float32 {
	*h = *h*6364136223846793005 + 1442695040888963407
	return float32(int32(*h>>32)) / (1 << 31)
}

// quotaOwner returns the vendor that has a quota endpoint at path, and what it answers; nil when there is none.
func quotaOwner(path string) (v *vendor, answer string) {
	for _, v := range vendorTable() {
		for ending, body := range v.quota {
			if strings.HasSuffix(path, ending) {
				return v, body
			}
		}
	}
	return nil, ""
}

// sendQuota answers a quota endpoint as the vendor that has it.
func (x *exchange) sendQuota() {
	_, answer := quotaOwner(x.r.URL.Path)
	x.send(http.StatusOK, "application/json", append(x.buf, answer...))
}

// denyQuota answers a wrong key in the way of vendors that do it with HTTP 200, and reports whether this is one.
func (x *exchange) denyQuota() bool {
	v, _ := quotaOwner(x.r.URL.Path)
	if v.quotaDenied == "" {
		return false
	}
	x.send(http.StatusOK, "application/json", append(x.buf, v.quotaDenied...))
	return true
}

package conformance

import (
	"encoding/json"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/anthropic"
	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
	"github.com/aimux/aimux/caddymodule/internal/dialect/responses"
)

// A member name that holds an escaped quote must come out as the one name it
// is, not as members of the client's making.
func TestEncode_NoMemberNameForgesAnother(t *testing.T) {
	const forged = `"x\":0,\"model\":\"dear":1`
	for _, tc := range []struct {
		d    dialect.Dialect
		body string
	}{
		{openai.New(), `{"model":"m","messages":[{"role":"user","content":"x",` + forged + `}],` + forged + `}`},
		{anthropic.New(), `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"x",` + forged + `}],` + forged + `}],` + forged + `}`},
		{responses.New(), `{"model":"m","input":[{"role":"user","content":"x",` + forged + `}],` + forged + `}`},
	} {
		r, err := tc.d.DecodeRequest([]byte(tc.body))
		if err != nil {
			t.Fatalf("%s: %v", tc.d.Name(), err)
		}
		out, _, err := tc.d.EncodeRequest(r, &dialect.Target{Model: "real", Policy: &dialect.Policy{}})
		var back map[string]any
		if err != nil || json.Unmarshal(out, &back) != nil || back["model"] != "real" {
			t.Errorf("%s: %v: %s", tc.d.Name(), err, out)
		}
	}
}

func TestToolSchema_OddPropertiesStayJSON(t *testing.T) {
	for _, schema := range []string{`{"properties":""}`, `{"properties":[1]}`, `{"anyOf":[{"properties":"x"},{"properties":{"a":{}}}]}`, `{"properties":null}`} {
		if out := dialect.ToolSchema(json.RawMessage(schema)); !json.Valid(out) {
			t.Errorf("%s became %s", schema, out)
		}
	}
}

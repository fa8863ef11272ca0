package failover

import (
	"net/http"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestClassify_AClientsObjectThatIsNotThereIsTheClientsFault(t *testing.T) {
	for name, c := range map[string]struct{ kind, body string }{
		"item that was not stored":     {"openai", `{"error":{"message":"Item with id 'rs_0123' not found. Items are not persisted when store is set to false. Try again with store set to true, or remove this item from your input.","type":"invalid_request_error","param":"input","code":null}}`},
		"item, no parameter":           {"openai", `{"error":{"message":"Item with id 'rs_0123' not found. Items are not persisted when store is set to false.","type":"invalid_request_error","param":null,"code":null}}`},
		"previous response":            {"openai", `{"error":{"message":"Previous response with id 'resp_1' not found.","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}`},
		"by its code alone":            {"", `{"error":{"message":"not found","code":"container_not_found"}}`},
		"file":                         {"anthropic", `{"type":"error","error":{"type":"not_found_error","message":"File not found: file_011abc"}}`},
		"container":                    {"anthropic", `{"type":"error","error":{"type":"not_found_error","message":"Container 'cntr_1' was not found."}}`},
		"response of a local server":   {"vllm", `{"error":{"message":"Response with id 'resp_1' not found.","type":"invalid_request_error","param":null,"code":404}}`},
		"named like a model":           {"", `{"error":{"message":"Conversation 'model' not found","param":null}}`},
		"inside a 200":                 {"anthropic", `{"type":"error","error":{"type":"not_found_error","message":"File not found: file_011abc"}}`},
		"parameter of an unknown name": {"", `{"error":{"message":"no such thing","param":"widget_id"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := Answer{Status: 404, Body: []byte(c.body), Now: noon}
			if name == "inside a 200" {
				a.Status = 200
			}
			d := Classify(vendor(t, c.kind), a)
			if d.Class != llm.ClassBadRequest || d.Scope != ScopeNone || may(&d) != "" {
				t.Errorf("got %s/%s, scope %s, may %q", d.Class, d.Reason, d.Scope, may(&d))
			}
			if a.Status == 404 && (d.Reason != ReasonClientFault || d.Err.Status != http.StatusNotFound) {
				t.Errorf("%s, the client would hear %d", d.Reason, d.Err.Status)
			}
			checkVerdict(t, &d)
		})
	}
}

func TestClassify_AModelOrAddressThatIsNotThereIsTheTargets(t *testing.T) {
	for name, c := range map[string]struct{ kind, body string }{
		"code":                        {"openai", `{"error":{"message":"x","code":"model_not_found","param":"model"}}`},
		"wording":                     {"", `{"error":{"message":"The model 'x' does not exist","param":null}}`},
		"parameter":                   {"", `{"error":{"message":"'x' does not exist","param":"model"}}`},
		"local":                       {"ollama", `{"error":"model \"x\" not found, try pulling it first"}`},
		"local, with a parameter":     {"vllm", `{"error":{"message":"The model 'x' is not found.","type":"NotFoundError","param":"model","code":404}}`},
		"Gemini":                      {"", `{"error":{"code":404,"status":"NOT_FOUND","message":"models/x is not found for API version v1beta"}}`},
		"Azure":                       {"", `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}`},
		"no endpoint":                 {"openrouter", `{"error":{"code":404,"message":"No endpoints found for x."}}`},
		"nothing but that":            {"", `{"detail":"Not Found"}`},
		"nothing at all":              {"", `{}`},
		"path that is not there":      {"openai", `{"error":{"message":"Invalid URL (POST /v1/responses)","type":"invalid_request_error","param":null,"code":null}}`},
		"another":                     {"groq", `{"error":{"message":"Unknown request URL: POST /v1/files. Please check the URL for typos","type":"invalid_request_error","code":"unknown_url"}}`},
		"llama.cpp's word for a path": {"", `{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := Classify(vendor(t, c.kind), Answer{Status: 404, Body: []byte(c.body), Now: noon})
			if d.Class != llm.ClassModelDenied || d.Reason != ReasonModelMissing || d.Scope != ScopeTarget || may(&d) != "t" {
				t.Errorf("got %s/%s, scope %s, may %q", d.Class, d.Reason, d.Scope, may(&d))
			}
			checkVerdict(t, &d)
		})
	}
}

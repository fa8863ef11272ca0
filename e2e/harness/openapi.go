package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// OpenAPI is the description of the console's API.
type OpenAPI struct {
	paths    map[string]map[string]struct{ Responses map[string]openResponse }
	compiler *jsonschema.Compiler
}

type openResponse struct {
	Ref     string `json:"$ref"`
	Content map[string]json.RawMessage
}

// ReadOpenAPI reads docs/openapi.json.
func ReadOpenAPI() (*OpenAPI, error) {
	data, err := os.ReadFile(filepath.Join(Root(), "docs", "openapi.json"))
	if err != nil {
		return nil, err
	}
	o := &OpenAPI{compiler: jsonschema.NewCompiler()}
	o.compiler.Draft, o.compiler.AssertFormat = jsonschema.Draft2020, true
	var document struct {
		Paths map[string]map[string]struct{ Responses map[string]openResponse }
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	o.paths = document.Paths
	return o, o.compiler.AddResource("openapi.json", strings.NewReader(string(data)))
}

// Check compares an answer to a GET of a path, as the description spells it
// (/api/requests/{id}), with what is described.
func (o *OpenAPI) Check(pattern string, a APIAnswer) error {
	status := fmt.Sprint(a.Status)
	r, ok := o.paths[pattern]["get"].Responses[status]
	if !ok {
		return fmt.Errorf("GET %s: status %s is not described: %s", pattern, status, a.Body)
	}
	escaped := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(pattern)
	at := "/paths/" + escaped + "/get/responses/" + status
	if r.Ref != "" {
		at = strings.TrimPrefix(r.Ref, "#")
	}
	schema, err := o.compiler.Compile("openapi.json#" + at + "/content/application~1json/schema")
	if err != nil {
		return fmt.Errorf("GET %s: %w", pattern, err)
	}
	var v any
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		return fmt.Errorf("GET %s: %w", pattern, err)
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("GET %s: %#v\n%s", pattern, err, a.Body)
	}
	return nil
}

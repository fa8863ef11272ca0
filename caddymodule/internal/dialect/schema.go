package dialect

import (
	"encoding/json"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/tidwall/gjson"
)

// ToolSchema returns schema in the form every provider takes at the root of a
// tool's parameters: type object, with properties, without $schema and without
// a union. Below the root nothing changes. A schema that is fine comes back as
// it is; none at all becomes that of a function without parameters.
func ToolSchema(schema json.RawMessage) json.RawMessage {
	root := gjson.Parse(wire.View(schema))
	if !root.IsObject() {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	if schemaFine(root) {
		return schema
	}
	return rebuildSchema(root)
}

func isUnion(key string) bool { return key == "anyOf" || key == "oneOf" || key == "allOf" }

func schemaFine(root gjson.Result) bool {
	isObject, hasProperties, fine := false, false, true
	root.ForEach(func(k, v gjson.Result) bool {
		switch {
		case k.Str == "type":
			isObject = v.Str == "object"
		case k.Str == "properties":
			hasProperties = v.IsObject()
		case k.Str == "$schema" || isUnion(k.Str):
			fine = false
		}
		return fine
	})
	return fine && isObject && hasProperties
}

func rebuildSchema(root gjson.Result) json.RawMessage {
	dst := append(make([]byte, 0, len(root.Raw)+32), `{"type":"object"`...)
	dst = appendProperties(dst, root)
	root.ForEach(func(k, v gjson.Result) bool {
		switch {
		case k.Str == "type", k.Str == "properties", k.Str == "$schema", isUnion(k.Str):
		default:
			dst = append(wire.Comma(dst), k.Raw...)
			dst = append(append(dst, ':'), v.Raw...)
		}
		return true
	})
	return append(dst, '}')
}

// appendProperties appends the root's properties and those of the union's
// branches: the first of a name wins. No branch's required list is kept, as
// each binds only its own branch.
func appendProperties(dst []byte, root gjson.Result) []byte {
	seen := map[string]bool{}
	dst = append(wire.Key(dst, "properties"), '{')
	add := func(k, v gjson.Result) bool {
		if !seen[k.Raw] {
			seen[k.Raw] = true
			dst = append(wire.Comma(dst), k.Raw...)
			dst = append(append(dst, ':'), v.Raw...)
		}
		return true
	}
	each := func(properties gjson.Result) {
		if properties.IsObject() {
			properties.ForEach(add)
		}
	}
	each(root.Get("properties"))
	for _, union := range [...]string{"anyOf", "oneOf", "allOf"} {
		root.Get(union).ForEach(func(_, branch gjson.Result) bool {
			each(branch.Get("properties"))
			return true
		})
	}
	return append(dst, '}')
}

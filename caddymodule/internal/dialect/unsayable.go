package dialect

import "github.com/aimux/aimux/caddymodule/internal/llm"

// Unsayable is the answer to a request that cannot be put into dialect to
// without changing what the client gets: an *llm.Error that names the field,
// or nil. Clients rely on these fields in ways that leaving them out would
// break silently: a thread or a previous response is the conversation.
func Unsayable(r *llm.Request, to llm.Dialect) error {
	if r.PreviousID != "" && to != llm.Responses {
		return Refused("previous_response_id")
	}
	if r.Extra.From == to {
		return nil
	}
	for i := range r.Extra.Fields {
		if err := unsayable(&r.Extra.Fields[i], to); err != nil {
			return err
		}
	}
	return nil
}

func unsayable(f *llm.Field, to llm.Dialect) error {
	value := string(f.Value)
	if value == "null" {
		return nil
	}
	switch f.Key {
	case "thread":
		err := Refused(f.Key)
		err.Details = ThreadUnsupported
		return err
	case "n":
		if to != llm.OpenAI && value != "1" {
			return Refused(f.Key)
		}
	case "mcp_servers", "container":
		if value != "[]" {
			return Refused(f.Key)
		}
	}
	return nil
}

package dialect

import (
	"encoding/json"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// Unsayable is the answer to a request that cannot be put into dialect to
// without changing what the client gets: an *llm.Error that names the field,
// or nil. Clients rely on these fields in ways that leaving them out would
// break silently: a thread, a previous response, a reference to an item of one
// or a compacted history is the conversation.
func Unsayable(r *llm.Request, to llm.Dialect) error {
	if r.PreviousID != "" && to != llm.Responses {
		return Refused("previous_response_id")
	}
	if r.Extra.From == to {
		return nil
	}
	if r.Extra.From == llm.Responses {
		if err := kept(r); err != nil {
			return err
		}
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

// What the API behind Responses keeps for its clients stands in a request only
// by its name, or sealed: nobody else can read it.

// stored are the top-level members of Responses that name what is kept.
var stored = [...]string{"conversation", "prompt"}

// kept is the refusal of a Responses request part of which only the API that
// the client thinks it talks to has, or nil.
func kept(r *llm.Request) error {
	for i := range r.Extra.Fields {
		f := &r.Extra.Fields[i]
		for _, key := range stored {
			if value := string(f.Value); f.Key == key && value != "null" && value != `""` {
				return Refused(key)
			}
		}
	}
	for i := range r.Messages {
		for j := range r.Messages[i].Blocks {
			if b := &r.Messages[i].Blocks[j]; b.Kind == llm.KindOther {
				if err := keptItem(b); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// itemPlace is the member of an item's Extra that says where it stood.
const itemPlace = "item.place"

// ItemPlace notes in the Extra of an item kept whole where in the request it
// stood, "input[3]" for example, so that Unsayable can name it.
func ItemPlace(param string) []llm.Field {
	return []llm.Field{{Key: itemPlace, Value: wire.Quote(nil, param)}}
}

// keptItem is the refusal of an item that only stands for something, or nil.
// AI SDK's OpenAI provider sends references for all that the model said before,
// unless it is told not to store.
func keptItem(b *llm.Block) error {
	v := gjson.Parse(wire.View(b.Raw))
	err := Refused(placeOf(b))
	switch v.Get("type").Str {
	case "item_reference":
		err.Message = err.Param + ": the model's provider does not have the item that is referred to; send whole items, and set store to false"
	case "compaction":
		if v.Get("encrypted_content").Str == "" {
			return nil
		}
		err.Message = err.Param + ": the model's provider cannot read a history that another one compacted; send the items themselves"
	default:
		return nil
	}
	return err
}

func placeOf(b *llm.Block) string {
	for _, f := range b.Extra.Fields {
		var place string
		if f.Key == itemPlace && json.Unmarshal(f.Value, &place) == nil {
			return place
		}
	}
	return "input"
}

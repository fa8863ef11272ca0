package responses

import (
	"encoding/base64"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// Reasoning crosses between dialects in two directions, each time as an opaque
// string which the client stores and sends back:
//
//   - a reasoning item's encrypted_content travels in the signature of a
//     thinking block, marked as aimux's own, so that no other provider is sent
//     it (sealItem, openItem);
//   - a thinking block's signature, or a redacted block's data, travels in the
//     encrypted_content of a reasoning item (sealThinking, openThinking).
const (
	sealedItem     = "aimux1:responses:"
	sealedThinking = "aimux1:thinking:"
	sealedRedacted = "aimux1:redacted:"
)

func seal(kind, text string) string { return base64.StdEncoding.EncodeToString([]byte(kind + text)) }

// unseal returns what seal was given, if it was given kind.
func unseal(kind, sealed string) (string, bool) {
	if !dialect.IsOwnSignature(sealed) {
		return "", false
	}
	text, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(text), kind)
}

// sealItem packs a reasoning item's id and encrypted content; "" if it has none.
func sealItem(id, secret string) string {
	if secret == "" {
		return ""
	}
	return seal(sealedItem, id+"\n"+secret)
}

// openItem undoes sealItem.
func openItem(signature string) (id, secret string, ok bool) {
	text, ok := unseal(sealedItem, signature)
	if !ok {
		return "", "", false
	}
	return strings.Cut(text, "\n")
}

// madeHere reports whether a thinking block is a reasoning item of this dialect
// that was sealed on its way to the client.
func madeHere(b *llm.Block) bool {
	_, _, ok := openItem(b.Signature)
	return ok
}

// sealThinking packs what proves a thinking block genuine; "" if there is
// nothing, or nothing worth sending back.
func sealThinking(b *llm.Block) string {
	if b.Redacted != "" {
		return seal(sealedRedacted, b.Redacted)
	}
	if b.Signature == "" || dialect.IsOwnSignature(b.Signature) {
		return ""
	}
	return seal(sealedThinking, b.Signature)
}

// thinkingBlock reads a reasoning item a client sent back.
func thinkingBlock(it item) llm.Block {
	b := llm.Block{Kind: llm.KindThinking, Text: reasoningText(it)}
	if s, ok := unseal(sealedThinking, it.secret); ok {
		b.Signature = s
	} else if s, ok := unseal(sealedRedacted, it.secret); ok {
		b.Redacted = s
	} else {
		b.Signature = sealItem(it.id, it.secret)
		b.Extra = extra([]llm.Field{{Key: "item", Value: wire.Raw(it.raw)}})
	}
	return b
}

// reasoningText is the summary, or the reasoning itself where an open model's
// server gives that instead.
func reasoningText(it item) string {
	if s := joinTexts(it.list); s != "" {
		return s
	}
	return joinTexts(it.content)
}

func joinTexts(list gjson.Result) string {
	var parts []string
	list.ForEach(func(_, v gjson.Result) bool {
		if s := v.Get("text").Str; s != "" {
			parts = append(parts, s)
		}
		return true
	})
	return strings.Join(parts, "\n\n")
}

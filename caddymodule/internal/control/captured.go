package control

import (
	"context"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

// Captured returns the texts that were kept of a request.
func (q requests) Captured(ctx context.Context, id string) ([]console.CapturedText, error) {
	kept := q.Gateway.View().Capture
	if kept == nil {
		return nil, console.NotFound("no texts are kept (usage.capture)")
	}
	texts, err := kept.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, console.NotFound("no text of that request is kept, or no longer")
	}
	out := make([]console.CapturedText, len(texts))
	for i, t := range texts {
		out[i] = console.CapturedText{Kind: t.Kind, At: console.At(t.At), Bytes: t.Size, Cut: t.Cut, Text: strings.ToValidUTF8(string(t.Text), "\uFFFD")}
	}
	return out, nil
}

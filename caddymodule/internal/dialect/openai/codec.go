package openai

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

var errNoCodec = &llm.Error{Type: llm.ErrInternal, Message: "translation is not built in yet"}

func (Chat) DecodeRequest([]byte) (*llm.Request, error) { return nil, errNoCodec }
func (Chat) EncodeRequest(*llm.Request, *dialect.Target) ([]byte, []string, error) {
	return nil, nil, errNoCodec
}
func (Chat) DecodeResponse([]byte) (*llm.Response, error)               { return nil, errNoCodec }
func (Chat) EncodeResponse(*llm.Response, *llm.Request) ([]byte, error) { return nil, errNoCodec }
func (Chat) NewStreamDecoder() dialect.StreamDecoder                    { return nil }
func (Chat) NewStreamEncoder(*llm.Request) dialect.StreamEncoder        { return nil }

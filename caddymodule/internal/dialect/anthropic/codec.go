package anthropic

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

var errNoCodec = &llm.Error{Type: llm.ErrInternal, Message: "translation is not built in yet"}

func (Messages) DecodeRequest([]byte) (*llm.Request, error) { return nil, errNoCodec }
func (Messages) EncodeRequest(*llm.Request, *dialect.Target) ([]byte, []string, error) {
	return nil, nil, errNoCodec
}
func (Messages) DecodeResponse([]byte) (*llm.Response, error)               { return nil, errNoCodec }
func (Messages) EncodeResponse(*llm.Response, *llm.Request) ([]byte, error) { return nil, errNoCodec }
func (Messages) NewStreamDecoder() dialect.StreamDecoder                    { return nil }
func (Messages) NewStreamEncoder(*llm.Request) dialect.StreamEncoder        { return nil }

package responses

import (
	"encoding/base64"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// part writes one block as part of a message or an output.
func (e *requestEncoder) part(role llm.Role, b *llm.Block) {
	switch b.Kind {
	case llm.KindText:
		if b.Text != "" {
			e.textPart(role, b.Text, b)
		}
	case llm.KindRefusal:
		e.Buf = wire.Str(append(wire.Comma(e.Buf), `{"type":"refusal"`...), "refusal", b.Text)
		e.Buf = append(e.Buf, '}')
	case llm.KindImage:
		e.image(role, b.Source)
	case llm.KindDocument:
		e.document(role, b.Source)
	case llm.KindOther:
		if b.Extra.From == llm.Responses {
			e.raw(b.Raw)
		} else if text := e.OtherText(b); text != "" {
			e.textPart(role, text, b)
		}
	}
}

func (e *requestEncoder) textPart(role llm.Role, text string, b *llm.Block) {
	kind := `{"type":"input_text"`
	if role == llm.RoleAssistant {
		kind = `{"type":"output_text"`
	}
	e.Buf = wire.Str(append(wire.Comma(e.Buf), kind...), "text", text)
	if len(b.Citations) > 0 && e.own {
		e.Buf = wire.RawMember(e.Buf, "annotations", b.Citations)
	}
	e.Buf = append(e.Buf, '}')
}

// image writes a picture, or says in words that there was one.
func (e *requestEncoder) image(role llm.Role, s *llm.Source) {
	p := e.Policy()
	if p.NoImages {
		e.Drop("image")
		e.textPart(role, "[a picture was here; the model cannot see pictures]", &llm.Block{})
		return
	}
	if s.URL != "" && p.NoImageURLs {
		e.refuse("input", "the model's provider takes no pictures by URL")
		return
	}
	e.Buf = append(wire.Comma(e.Buf), `{"type":"input_image"`...)
	if s.FileID != "" {
		e.Buf = wire.Str(e.Buf, "file_id", s.FileID)
	} else {
		e.Buf = wire.Str(e.Buf, "image_url", dialect.SourceURL(s))
	}
	e.Buf = wire.StrIf(e.Buf, "detail", s.Detail)
	e.Buf = append(e.Buf, '}')
}

// document writes a file. Plain text goes as text, which every model takes.
func (e *requestEncoder) document(role llm.Role, s *llm.Source) {
	if dialect.IsText(s) && (!e.own || e.Policy().NoDocuments) {
		e.textPart(role, dialect.DocumentText(s), &llm.Block{})
		return
	}
	if e.Policy().NoDocuments {
		e.refuse("input", "the model's provider takes no documents")
		return
	}
	e.Buf = append(wire.Comma(e.Buf), `{"type":"input_file"`...)
	switch {
	case s.FileID != "":
		e.Buf = wire.Str(e.Buf, "file_id", s.FileID)
	case s.URL != "":
		e.Buf = wire.Str(e.Buf, "file_url", s.URL)
	case dialect.IsText(s):
		e.fileData(s, base64.StdEncoding.EncodeToString([]byte(s.Data)), "document.txt")
	default:
		e.fileData(s, s.Data, "document.pdf")
	}
	e.Buf = append(e.Buf, '}')
}

// fileData writes a file's bytes with a name, without which OpenAI refuses them.
func (e *requestEncoder) fileData(s *llm.Source, data, name string) {
	if s.Name != "" {
		name = s.Name
	}
	e.Buf = wire.Str(e.Buf, "filename", name)
	e.Buf = append(wire.Key(e.Buf, "file_data"), `"data:`...)
	e.Buf = wire.AppendEscaped(e.Buf, s.MediaType)
	e.Buf = append(append(append(e.Buf, ";base64,"...), data...), '"')
}

func (e *requestEncoder) refuse(param, message string) {
	if e.fault == nil {
		e.fault = badField(param, "%s", message)
		e.fault.Code = "unsupported_content"
	}
}

package openai

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

const (
	thinkOpen  = "<think>"
	thinkClose = "</think>"
)

// maxLeadingSpace is how many bytes of white space may stand before <think>.
// Behind more of it there is no thinking: the text waits no longer.
const maxLeadingSpace = 64

// A thinkSplitter takes reasoning out of content that begins with <think>, as
// some servers send it, whatever pieces the text comes in. Tags anywhere but
// at the beginning are text.
type thinkSplitter struct {
	state thinkState
	held  string // the beginning of what may become a tag
}

type thinkState uint8

const (
	thinkBefore thinkState = iota // nothing but white space came yet
	thinkInside
	thinkAfter // the closing tag came; white space behind it is dropped
	thinkNone  // plain text from here on
)

// A piece is text and what it is: KindText or KindThinking.
type piece struct {
	kind llm.BlockKind
	text string
}

// split appends the pieces that text certainly consists of.
func (s *thinkSplitter) split(dst []piece, text string) []piece {
	if s.state == thinkNone {
		return appendPiece(dst, llm.KindText, text)
	}
	text, s.held = s.held+text, ""
	if s.state == thinkBefore {
		trimmed := strings.TrimLeft(text, " \t\r\n")
		switch {
		case strings.HasPrefix(trimmed, thinkOpen):
			s.state, text = thinkInside, trimmed[len(thinkOpen):]
		case len(text)-len(trimmed) <= maxLeadingSpace && strings.HasPrefix(thinkOpen, trimmed):
			s.held = strings.Clone(text)
			return dst
		default:
			s.state = thinkNone
			return appendPiece(dst, llm.KindText, text)
		}
	}
	if s.state == thinkInside {
		i := strings.Index(text, thinkClose)
		if i < 0 {
			keep := partialSuffix(text, thinkClose)
			s.held = strings.Clone(text[len(text)-keep:])
			return appendPiece(dst, llm.KindThinking, text[:len(text)-keep])
		}
		dst = appendPiece(dst, llm.KindThinking, text[:i])
		s.state, text = thinkAfter, text[i+len(thinkClose):]
	}
	if text = strings.TrimLeft(text, " \t\r\n"); text == "" {
		return dst
	}
	s.state = thinkNone
	return appendPiece(dst, llm.KindText, text)
}

// end appends what was held back: it did not become a tag.
func (s *thinkSplitter) end(dst []piece) []piece {
	held := s.held
	s.held = ""
	if s.state == thinkInside {
		return appendPiece(dst, llm.KindThinking, held)
	}
	return appendPiece(dst, llm.KindText, held)
}

func appendPiece(dst []piece, kind llm.BlockKind, text string) []piece {
	if text == "" {
		return dst
	}
	return append(dst, piece{kind, text})
}

// partialSuffix is the length of the longest suffix of s that begins tag.
func partialSuffix(s, tag string) int {
	for n := min(len(s), len(tag)-1); n > 0; n-- {
		if strings.HasSuffix(s, tag[:n]) {
			return n
		}
	}
	return 0
}

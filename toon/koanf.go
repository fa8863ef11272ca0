package toon

import "errors"

// ParserT reads and writes the maps koanf works with. It satisfies koanf.Parser.
type ParserT struct {
	decode []DecodeOption
}

// Parser returns a parser for koanf. The options apply to reading.
func Parser(opts ...DecodeOption) ParserT { return ParserT{decode: opts} }

// Unmarshal reads a document whose root is an object.
func (p ParserT) Unmarshal(data []byte) (map[string]any, error) {
	v, err := Decode(data, p.decode...)
	if err != nil {
		return nil, err
	}
	m, ok := v.Interface().(map[string]any)
	if !ok {
		return nil, errors.New("the root of a configuration is an object, this is a " + v.Kind().String())
	}
	return m, nil
}

// Marshal writes m with its keys sorted.
func (ParserT) Marshal(m map[string]any) ([]byte, error) { return Marshal(m) }

// What koanf asks of a parser.
var _ interface {
	Unmarshal([]byte) (map[string]any, error)
	Marshal(map[string]any) ([]byte, error)
} = ParserT{}

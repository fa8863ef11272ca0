package toon

// DecodeOption changes how a document is read.
type DecodeOption interface{ applyDecode(*decodeOptions) }

// EncodeOption changes how a document is written.
type EncodeOption interface{ applyEncode(*encodeOptions) }

// The limits a decoder works within unless an option says otherwise.
const (
	DefaultMaxBytes = 1 << 20
	DefaultMaxDepth = 64
	DefaultMaxLine  = 64 << 10
	DefaultMaxNodes = 100_000
)

// maxMaxDepth bounds MaxDepth itself: Go types are filled recursively.
const maxMaxDepth = 1000

type decodeOptions struct {
	indent       int
	strict       bool
	repairCounts bool
	knownFields  bool
	maxBytes     int
	maxDepth     int
	maxLine      int
	maxNodes     int
}

type encodeOptions struct {
	indent   int
	delim    byte
	maxDepth int
}

func newDecodeOptions(opts []DecodeOption) decodeOptions {
	o := decodeOptions{
		indent: 2, strict: true,
		maxBytes: DefaultMaxBytes, maxDepth: DefaultMaxDepth,
		maxLine: DefaultMaxLine, maxNodes: DefaultMaxNodes,
	}
	for _, opt := range opts {
		opt.applyDecode(&o)
	}
	return o
}

func newEncodeOptions(opts []EncodeOption) encodeOptions {
	o := encodeOptions{indent: 2, delim: ',', maxDepth: DefaultMaxDepth}
	for _, opt := range opts {
		opt.applyEncode(&o)
	}
	return o
}

// IndentOption is what IndentSize returns; it serves readers and writers.
type IndentOption int

// IndentSize sets the number of spaces per level, the specification's
// indentSize. Values below 1 count as 1. Default: 2.
func IndentSize(spaces int) IndentOption { return IndentOption(max(1, spaces)) }

func (n IndentOption) applyDecode(o *decodeOptions) { o.indent = int(n) }
func (n IndentOption) applyEncode(o *encodeOptions) { o.indent = int(n) }

// DelimiterOption separates values; it is itself the option that selects it.
type DelimiterOption byte

// The three delimiters of the specification.
const (
	Comma DelimiterOption = ','
	Tab   DelimiterOption = '\t'
	Pipe  DelimiterOption = '|'
)

// Delimiter selects the delimiter a document is written with, the
// specification's delimiter. Readers need no such option: headers declare it.
// Default: Comma.
func Delimiter(d DelimiterOption) EncodeOption { return d }

func (d DelimiterOption) applyEncode(o *encodeOptions) {
	if d == Tab || d == Pipe {
		o.delim = byte(d)
		return
	}
	o.delim = byte(Comma)
}

type decodeFunc func(*decodeOptions)

func (f decodeFunc) applyDecode(o *decodeOptions) { f(o) }

// Strict sets the specification's strict. A lenient reader ignores wrong
// counts, lets the last of several equal keys win, rounds odd indentation down,
// counts a tab of indentation as one level, reads a malformed header as a key,
// skips blank lines in tables, and skips lines that belong to no scope (with a
// Warning). The width of a table row is checked in either mode: no guess
// about a missing cell would be safe. Default: true.
func Strict(strict bool) DecodeOption {
	return decodeFunc(func(o *decodeOptions) { o.strict = strict })
}

// RepairCounts turns a wrong declared count into a Warning that names the right
// one. Everything else stays as strict as it was. Meant for files people edit
// by hand.
func RepairCounts() DecodeOption {
	return decodeFunc(func(o *decodeOptions) { o.repairCounts = true })
}

// DisallowUnknownFields makes Unmarshal refuse an object key that its struct
// has no field for.
func DisallowUnknownFields() DecodeOption {
	return decodeFunc(func(o *decodeOptions) { o.knownFields = true })
}

// MaxBytes bounds the size of a document in bytes. Default: 1 MiB.
func MaxBytes(n int) DecodeOption {
	return decodeFunc(func(o *decodeOptions) { o.maxBytes = min(max(0, n), maxSpan) })
}

// MaxLine bounds the length of a line in bytes. Default: 64 KiB.
func MaxLine(n int) DecodeOption {
	return decodeFunc(func(o *decodeOptions) { o.maxLine = min(max(0, n), maxSpan) })
}

// MaxNodes bounds how many values a document holds, counting every primitive,
// array and object once. Default: 100 000.
func MaxNodes(n int) DecodeOption {
	return decodeFunc(func(o *decodeOptions) { o.maxNodes = min(max(1, n), maxSpan) })
}

// DepthOption is what MaxDepth returns; it serves readers and writers.
type DepthOption int

// MaxDepth bounds how deep arrays and objects nest, at most 1000; the root is
// level 1. Writers refuse deeper values too, so that what was written can be
// read. Default: 64.
func MaxDepth(levels int) DepthOption { return DepthOption(min(max(1, levels), maxMaxDepth)) }

func (n DepthOption) applyDecode(o *decodeOptions) { o.maxDepth = int(n) }
func (n DepthOption) applyEncode(o *encodeOptions) { o.maxDepth = int(n) }

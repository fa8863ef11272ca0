// Package toon reads and writes TOON, Token-Oriented Object Notation, version
// 4.0 of its specification: an indentation-based text form of the JSON data
// model with explicit lengths, tables, keyed tables, nested field groups and
// comment lines. It is the first configuration format of aimux.
//
// [Decode] turns a document into a [Value] that keeps the order of keys and the
// exact text of numbers; [Encode] writes the canonical form. [Unmarshal] and
// [Marshal] do the same for Go values. [Parse] also returns where everything
// was written, the comments and the warnings; [Format] rewrites a document
// canonically and leaves its comments where they stood. [Parser] fits koanf.
//
// Input is untrusted. A document is read in one pass without recursion, its
// size, depth, line length and number of values are bounded (see [MaxBytes],
// [MaxDepth], [MaxLine], [MaxNodes]), a declared length is only ever compared
// with what was found, and what a decoder allocates stays below twenty times
// the size of its input. A decoded value is a view of one compact tape, so it
// is immutable and safe for concurrent use.
//
// Every error about a document is a [*SyntaxError], with the line, the column,
// the offending text and a hint what to write instead; every value that does
// not fit a Go type is a [*TypeError].
package toon

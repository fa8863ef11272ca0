// Package legacy reads the configurations of older versions of aimux and makes
// one of the present language from them.
//
// There were many: the first version, in TypeScript, and its predecessor; six
// JSON shapes of the second, in C++, which no version number tells apart; a plan
// for a table format and an INI-like one, both called TOON; and environment files.
// Import reads all it finds under the paths it is given, recognises each by its
// shape and follows it field by field. Nothing is dropped in silence: every field
// is in the Report as kept, changed, refused or without a counterpart, with its
// file, line and pointer. Broken files are read as far as they go, and their keys
// are looked for by their shape.
//
// Import writes nothing and changes nothing. It returns the new document, which
// names every key by its id in the vault, and the keys themselves, for the caller
// to put there. Scan looks for keys in any other file of a directory.
//
// Input is untrusted: regular files only, never out of the directory given, sizes,
// depths and counts bounded. A Report never holds a secret.
package legacy
